// An engine whose n-th call fails: for tests of what is left half done.
//
// Thread safety: as of the driver that it wraps; a Fault from any thread.
#pragma once

#include <atomic>
#include <memory>

#include "store/driver.h"

namespace latchkey::store {

// Says which calls of run() and run_script() fail, with store_unavailable.
class Fault {
 public:
  // `before`: the call does nothing. `after`: it does what it should and reports a failure.
  enum class Moment { before, after };

  // The `nth` call from now (1 is the next) and those after it, `times` in all, fail.
  void arm(int64_t nth, int64_t times = 1, Moment moment = Moment::before) {
    moment_ = moment;
    last_ = calls_ + nth + times - 1;
    first_ = calls_ + nth;
  }
  void disarm() { first_ = kNever; }
  // How many calls there were.
  int64_t calls() const { return calls_; }

  // Counts a call; whether it fails.
  bool next() {
    const int64_t call = ++calls_;
    return call >= first_ && call <= last_;
  }
  Moment moment() const { return moment_; }

 private:
  static constexpr int64_t kNever = INT64_MAX;
  std::atomic<int64_t> calls_{0};
  std::atomic<int64_t> first_{kNever};
  std::atomic<int64_t> last_{kNever};
  std::atomic<Moment> moment_{Moment::before};
};

// `driver` with the failures of `fault`, which outlives it.
std::unique_ptr<Driver> make_faulty_driver(std::unique_ptr<Driver> driver, Fault& fault);

}  // namespace latchkey::store
