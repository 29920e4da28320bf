// Bounds attempts per key (an account, a source address) without locking anybody out for good.
//
// Each key has a bucket of `burst` attempts that refills at one per `refill`. A refused attempt
// says how long to wait. At most `keys_max` keys are kept; the fullest are forgotten first, since
// they restrain nobody. Kept in memory: a restart forgets. Thread safety: any thread.
#pragma once

#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace latchkey::service {

class Throttle {
 public:
  struct Limit {
    int burst = 10;
    Milliseconds refill{30'000};
    size_t keys_max = 100'000;
  };
  Throttle(Clock& clock, Limit limit) : clock_(clock), limit_(limit) {}

  // Takes one attempt of `key`. Errors: too_many_attempts (`detail`: whole seconds to wait).
  Result<void> take(const std::string& key);
  // Gives the key all its attempts back, after a success.
  void forgive(const std::string& key);

 private:
  struct Bucket {
    double attempts = 0;
    Ticks at;
  };
  void make_room() LK_REQUIRES(mutex_);

  Clock& clock_;
  const Limit limit_;
  Mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_ LK_GUARDED_BY(mutex_);
};

}  // namespace latchkey::service
