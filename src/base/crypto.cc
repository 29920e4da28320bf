// SHA256_* are deprecated since OpenSSL 3.0; base/crypto.h says why they are used here.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/crypto.h"

#include <openssl/sha.h>

#include <cstring>

namespace latchkey {
namespace {

constexpr size_t kBlockBytes = 64;
constexpr size_t kChainWords = 4;  // a chaining value in words of 64 bits
using WordPair = uint64_t __attribute__((vector_size(16)));
// A hash after one block, but for its chaining value.
constexpr SHA256_CTX kAfterOneBlock{{}, kBlockBytes * 8, 0, {}, 0, SHA256_DIGEST_LENGTH};

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

void ErasableHmac::set(const Hmac& key) {
  SHA256_CTX context;
  uint64_t words[kChainWords];
  const Hmac::State* const states[] = {&key.inner_, &key.outer_};
  size_t at = 0;
  for (const Hmac::State* const state : states) {
    std::memcpy(&context, state, sizeof context);
    std::memcpy(words, context.h, sizeof words);
    for (const uint64_t word : words) words_[at++].store(word, std::memory_order_relaxed);
  }
  wipe(&context, sizeof context);
  wipe(words, sizeof words);
}

void ErasableHmac::erase() {
  for (auto& word : words_) word.store(0, std::memory_order_relaxed);
}

Digest ErasableHmac::operator()(std::span<const uint8_t> data) const {
  const auto begin = [this](SHA256_CTX& context, size_t first) {
    context = kAfterOneBlock;
    // Stored in pairs, as the hash will load them: a load of two stores waits for both.
    for (size_t i = 0; i < kChainWords; i += 2) {
      const WordPair pair = {words_[first + i].load(std::memory_order_relaxed),
                             words_[first + i + 1].load(std::memory_order_relaxed)};
      std::memcpy(&context.h[2 * i], &pair, sizeof pair);
    }
  };
  SHA256_CTX context;
  Digest digest;
  begin(context, 0);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(digest.data(), &context);
  begin(context, kChainWords);
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

bool Hmac::verify(std::span<const uint8_t> data, std::span<const uint8_t> mac) const {
  const Digest expected = (*this)(data);
  return constant_time_equal(expected, mac);
}

}  // namespace latchkey
