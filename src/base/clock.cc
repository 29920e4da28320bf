#include "base/clock.h"

#include <ctime>

#include "base/assert.h"

namespace latchkey {
namespace {

int64_t read_ms(clockid_t id) {
  timespec time{};
  LK_ASSERT(clock_gettime(id, &time) == 0);
  return static_cast<int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

}  // namespace

Instant SystemClock::now() const { return {read_ms(CLOCK_REALTIME)}; }

// CLOCK_BOOTTIME counts on while the machine is suspended, CLOCK_MONOTONIC does not.
Ticks SystemClock::ticks() const { return {read_ms(CLOCK_BOOTTIME)}; }

}  // namespace latchkey
