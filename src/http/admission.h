// What does a network thread take on when more comes than it can serve?
//
// Measured is how long requests had been waiting in the kernel when they were read. As long as the
// one that waited least, of a tenth of a second, waited less than a bound, the thread keeps up,
// however busy it is. Beyond it work is shed step by step, checks last; below half of it, taken on
// again. docs/spec/http.md, H49 and after. Thread safety: level() and waited() from any thread; the
// rest from one.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace latchkey::http {

// What a request is worth when not all can be served: essential are checks, what keeps other
// indexes current, and what takes rights away.
enum class Work { ordinary, essential };

class Admission {
 public:
  // A `bound` of 0 takes on everything.
  explicit Admission(Milliseconds bound) : bound_(bound) {}

  // A request that was read at `now` had been there for `waited`.
  void note(Milliseconds waited, Ticks now);
  // Whether to serve it.
  bool takes(Work work);
  // Whether to serve a new connection.
  bool takes_connections() const { return level() < 2; }

  // 0: everything is served; 1: no ordinary work; 2: no new connections either; 3: every second
  // essential request.
  int level() const { return level_.load(std::memory_order_relaxed); }
  // The least of the last tenth of a second that had requests.
  Milliseconds waited() const { return Milliseconds(waited_ms_.load(std::memory_order_relaxed)); }

 private:
  void end_window();

  const Milliseconds bound_;
  std::atomic<int> level_{0};
  std::atomic<int64_t> waited_ms_{0};
  Ticks window_began_;
  Milliseconds least_{0};
  int noted_ = 0;
  bool every_second_ = false;
};

}  // namespace latchkey::http
