// Secrets that have to stay in memory for a while, so that a search of it does not find them.
//
// A SealingKey is random, made for one process and kept on pages of its own that are neither
// swapped nor part of a core dump, as far as the system allows; what it seals is of no use without
// it. XSalsa20-Poly1305 (libsodium's secretbox) with a random nonce for each text.
// Thread safety: const members from any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"

namespace latchkey {

class SealingKey {
 public:
  // Errors: internal (no entropy, or no memory).
  static Result<SealingKey> create(Entropy& entropy);

  // The nonce and the sealed `text`: 40 bytes longer than it. Errors: internal (no entropy).
  Result<Bytes> seal(const SecretText& text, Entropy& entropy) const;
  // What was sealed under this key; nothing if `sealed` was not, or was changed.
  std::optional<SecretText> open(std::span<const uint8_t> sealed) const;

 private:
  struct Free {
    void operator()(uint8_t* memory) const;  // wipes it
  };
  using Memory = std::unique_ptr<uint8_t, Free>;
  explicit SealingKey(Memory key) : key_(std::move(key)) {}

  Memory key_;
};

}  // namespace latchkey
