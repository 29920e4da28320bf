#include "base/sealed.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>

namespace latchkey {
namespace {

constexpr size_t kNonceBytes = crypto_secretbox_NONCEBYTES;
constexpr size_t kFrameBytes = kNonceBytes + crypto_secretbox_MACBYTES;

}  // namespace

void SealingKey::Free::operator()(uint8_t* memory) const { sodium_free(memory); }

Result<SealingKey> SealingKey::create(Entropy& entropy) {
  if (sodium_init() < 0) return Error(ErrorCode::internal, "libsodium cannot be used");
  Memory key(static_cast<uint8_t*>(sodium_malloc(crypto_secretbox_KEYBYTES)));
  if (!key) return Error(ErrorCode::internal, "there is no memory for a key");
  LK_CHECK(entropy.fill(std::span(key.get(), crypto_secretbox_KEYBYTES)));
  return SealingKey(std::move(key));
}

Result<Bytes> SealingKey::seal(const SecretText& text, Entropy& entropy) const {
  const auto plain = as_bytes(text.reveal(RevealSecret{}));
  Bytes sealed(kFrameBytes + plain.size());
  const std::span<uint8_t> nonce(sealed.data(), kNonceBytes);
  LK_CHECK(entropy.fill(nonce));
  crypto_secretbox_easy(sealed.data() + kNonceBytes, plain.data(), plain.size(), nonce.data(),
                        key_.get());
  return sealed;
}

std::optional<SecretText> SealingKey::open(std::span<const uint8_t> sealed) const {
  if (sealed.size() < kFrameBytes) return std::nullopt;
  const auto box = sealed.subspan(kNonceBytes);
  std::string text(sealed.size() - kFrameBytes, '\0');
  const bool opened =
      crypto_secretbox_open_easy(reinterpret_cast<uint8_t*>(text.data()), box.data(), box.size(),
                                 sealed.data(), key_.get()) == 0;
  if (!opened) return std::nullopt;
  return SecretText::take(std::move(text));
}

}  // namespace latchkey
