// A wall clock that does not make what has expired young again.
//
// While the clock below it has been put back by less than `kStepBackMax`, it stands at the latest
// time that was read of it; one put back further was wrong before, and is believed. docs/spec/
// verification.md, V8. Thread safety: any thread.
#pragma once

#include <atomic>
#include <limits>

#include "base/clock.h"

namespace latchkey {

class OneWayClock final : public Clock {
 public:
  static constexpr Milliseconds kStepBackMax = std::chrono::hours(1);

  // REQUIRES: `clock` outlives this one.
  explicit OneWayClock(const Clock& clock) : clock_(clock) {}

  Instant now() const override {
    const Instant read = clock_.now();
    int64_t latest = latest_ms_.load(std::memory_order_relaxed);
    while (true) {
      const bool is_back = read.ms < latest && read.ms > latest - kStepBackMax.count();
      if (is_back || read.ms == latest) return {latest};
      if (latest_ms_.compare_exchange_weak(latest, read.ms, std::memory_order_relaxed)) return read;
    }
  }
  Ticks ticks() const override { return clock_.ticks(); }

 private:
  const Clock& clock_;
  // Far back, but so that an hour less is still a number.
  mutable std::atomic<int64_t> latest_ms_{std::numeric_limits<int64_t>::min() / 2};
};

}  // namespace latchkey
