// Where random bytes come from.
//
// Secrets, ids and salts take their bytes from an Entropy that is passed in, so that tests can seed
// one. A source that fails must not be worked around: fill() then returns an error and whatever was
// about to be made is not made. Thread safety: fill() from any thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/mutex.h"
#include "base/result.h"

namespace latchkey {

class Entropy {
 public:
  virtual ~Entropy() = default;
  // Overwrites all of `out` with random bytes. Errors: internal (the source failed; `out` is zero).
  virtual Result<void> fill(std::span<uint8_t> out) = 0;
};

// The operating system's generator, getrandom(2).
class SystemEntropy final : public Entropy {
 public:
  Result<void> fill(std::span<uint8_t> out) override;
};

// The same bytes for the same seed: SHA-256 in counter mode. For tests and simulations only.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(uint64_t seed) : seed_(seed) {}
  Result<void> fill(std::span<uint8_t> out) override;

 private:
  const uint64_t seed_;
  Mutex mutex_;
  uint64_t counter_ LK_GUARDED_BY(mutex_) = 0;
};

}  // namespace latchkey
