// Time, as a value and as a source.
//
// An Instant is a point in time in UTC with millisecond precision; it is what rows, events and
// decisions hold. A Ticks is a point on a clock that only runs forward and goes on while the
// machine is suspended; it is what ages and deadlines are counted on. They are two types so that
// one cannot be taken for the other. Thread safety: a Clock may be asked from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>

namespace latchkey {

using Milliseconds = std::chrono::milliseconds;

// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
struct Instant {
  int64_t ms = 0;

  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend Instant operator+(Instant a, Milliseconds d) { return {a.ms + d.count()}; }
  friend Instant operator-(Instant a, Milliseconds d) { return {a.ms - d.count()}; }
  friend Milliseconds operator-(Instant a, Instant b) { return Milliseconds(a.ms - b.ms); }
};

// Milliseconds on a forward-only clock with an arbitrary start.
struct Ticks {
  int64_t ms = 0;

  friend auto operator<=>(const Ticks&, const Ticks&) = default;
  friend Ticks operator+(Ticks a, Milliseconds d) { return {a.ms + d.count()}; }
  friend Milliseconds operator-(Ticks a, Ticks b) { return Milliseconds(a.ms - b.ms); }
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual Ticks ticks() const = 0;
};

// CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  Ticks ticks() const override;
};

// A clock that stands until it is moved. For tests and simulations.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Instant start) : now_ms_(start.ms) {}
  Instant now() const override { return {now_ms_.load()}; }
  Ticks ticks() const override { return {ticks_ms_.load()}; }
  void set(Instant now) { now_ms_ = now.ms; }
  // Moves both clocks forward.
  void advance(Milliseconds by) {
    now_ms_ += by.count();
    ticks_ms_ += by.count();
  }

 private:
  std::atomic<int64_t> now_ms_;
  std::atomic<int64_t> ticks_ms_{0};
};

}  // namespace latchkey
