// Connections for reading: at most a few, opened when needed, kept when idle.
//
// Thread safety: any thread. Spec: docs/spec/store.md.
#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "store/driver.h"

namespace latchkey::store {

class ConnectionPool {
 public:
  // REQUIRES: `driver` outlives the pool.
  ConnectionPool(Driver& driver, size_t connections_max)
      : driver_(driver), connections_max_(connections_max) {}

  // An idle connection or a new one; waits up to `wait` for one. Give it back with put().
  // Errors: store_unavailable (none became free in time, or it cannot be opened).
  Result<std::unique_ptr<Connection>> take(Milliseconds wait);
  // Takes `connection` back; a null one stands for one that broke and was closed.
  void put(std::unique_ptr<Connection> connection);
  // Closes the idle ones.
  void forget_idle();

 private:
  Driver& driver_;
  const size_t connections_max_;
  Mutex mutex_;
  ConditionVariable freed_;
  std::vector<std::unique_ptr<Connection>> idle_ LK_GUARDED_BY(mutex_);
  size_t taken_ LK_GUARDED_BY(mutex_) = 0;
};

}  // namespace latchkey::store
