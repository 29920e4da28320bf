// SHA-256 and HMAC-SHA-256 without a lookup, an allocation or a key set-up per call.
//
// OpenSSL 3's EVP interface fetches algorithms and allocates contexts; on the check's path that
// costs more than the hash. So this file alone uses the SHA256_* functions, which OpenSSL marks as
// deprecated but keeps (docs/decisions/0002-sha256.md has the measurement).
// FIPS 180-4, RFC 2104. Thread safety: const members from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "base/secret.h"

namespace latchkey {

using Digest = std::array<uint8_t, 32>;

// SHA-256 of `data`.
Digest sha256(std::span<const uint8_t> data);

// SHA-256 of data that comes in pieces. Thread safety: one thread.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const uint8_t> data);
  // REQUIRES: called once, last.
  Digest finish();

 private:
  struct alignas(8) State {
    uint8_t bytes[112];  // a SHA256_CTX, as in Hmac
  };
  State state_;
};

// HMAC-SHA-256 under one key. The key's inner and outer states are computed once and kept.
class Hmac {
 public:
  explicit Hmac(const SecretKey& key);
  Hmac(const Hmac& other);
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac();

  // The MAC of `data`. Cost: for up to 55 bytes three compressions, and one more for each 64 bytes.
  Digest operator()(std::span<const uint8_t> data) const;
  // Whether `mac` is the MAC of `data`; constant time in the contents.
  bool verify(std::span<const uint8_t> data, std::span<const uint8_t> mac) const;

 private:
  friend class ErasableHmac;
  struct alignas(8) State {
    uint8_t bytes[112];  // a SHA256_CTX, kept opaque so that no header needs OpenSSL
  };
  State inner_;
  State outer_;
};

// HMAC-SHA-256 under a key that may be set or erased while other threads compute with it. Who does
// so at that moment gets a digest of no key: never one that can be told from a random one.
// Thread safety: operator() from any thread; set() and erase() from one at a time.
class ErasableHmac {
 public:
  ErasableHmac() = default;  // erased
  ~ErasableHmac() { erase(); }
  ErasableHmac(const ErasableHmac&) = delete;
  ErasableHmac& operator=(const ErasableHmac&) = delete;

  void set(const Hmac& key);
  void erase();
  // REQUIRES, for a digest that means something: set() happened before, and erase() did not.
  // Cost: as Hmac's.
  Digest operator()(std::span<const uint8_t> data) const;

 private:
  // The chaining values after the padded key's block, four words each: inner, then outer.
  std::array<std::atomic<uint64_t>, 8> words_{};
};

}  // namespace latchkey
