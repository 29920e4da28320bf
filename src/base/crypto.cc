// SHA256_* are deprecated since OpenSSL 3.0; base/crypto.h says why they are used here.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/crypto.h"

#include <openssl/sha.h>

#include <cstring>

namespace latchkey {
namespace {

constexpr size_t kBlockBytes = 64;

}  // namespace

Digest sha256(std::span<const uint8_t> data) {
  // Not the one-shot SHA256(): since OpenSSL 3 it goes through a fetch of the algorithm.
  SHA256_CTX context;
  Digest digest;
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

Sha256::Sha256() {
  static_assert(sizeof(SHA256_CTX) <= sizeof(State));
  SHA256_CTX context;
  SHA256_Init(&context);
  std::memset(&state_, 0, sizeof state_);
  std::memcpy(&state_, &context, sizeof context);
}

void Sha256::update(std::span<const uint8_t> data) {
  SHA256_CTX context;
  std::memcpy(&context, &state_, sizeof context);
  SHA256_Update(&context, data.data(), data.size());
  std::memcpy(&state_, &context, sizeof context);
}

Digest Sha256::finish() {
  SHA256_CTX context;
  Digest digest;
  std::memcpy(&context, &state_, sizeof context);
  SHA256_Final(digest.data(), &context);
  return digest;
}

Hmac::Hmac(const SecretKey& key) {
  static_assert(sizeof(SHA256_CTX) <= sizeof(State));
  const auto key_bytes = key.reveal(RevealSecret{});
  uint8_t pad[kBlockBytes];
  const auto absorb = [&](uint8_t mask, State& state) {
    std::memset(pad, mask, sizeof pad);
    for (size_t i = 0; i < key_bytes.size(); ++i) pad[i] ^= key_bytes[i];
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, pad, sizeof pad);
    std::memset(&state, 0, sizeof state);
    std::memcpy(&state, &context, sizeof context);
    wipe(&context, sizeof context);
  };
  absorb(0x36, inner_);
  absorb(0x5c, outer_);
  wipe(pad, sizeof pad);
}

Hmac::Hmac(const Hmac& other) = default;

Hmac::~Hmac() {
  wipe(&inner_, sizeof inner_);
  wipe(&outer_, sizeof outer_);
}

Digest Hmac::operator()(std::span<const uint8_t> data) const {
  SHA256_CTX context;
  Digest digest;
  std::memcpy(&context, &inner_, sizeof context);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(digest.data(), &context);
  std::memcpy(&context, &outer_, sizeof context);
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

bool Hmac::verify(std::span<const uint8_t> data, std::span<const uint8_t> mac) const {
  const Digest expected = (*this)(data);
  return constant_time_equal(expected, mac);
}

}  // namespace latchkey
