// What one of several processes knows of the log that all of them write.
//
// A head is only taken if its log goes on from the one that was known; otherwise the database lost
// changes, or was put back, and what was built from the log must be loaded anew. Questions that
// come while a heartbeat is under way share the next one. Thread safety: watch() one thread at a
// time, the rest any thread. Spec: docs/spec/store.md, "Many processes".
#pragma once

#include <functional>
#include <memory>

#include "base/mutex.h"
#include "store/shared_engine.h"
#include "store/store.h"

namespace latchkey::store {

class SharedLog {
 public:
  // `listener` may be null: it is made when it is needed. REQUIRES: `engine` outlives this.
  SharedLog(SharedEngine& engine, const StoreDependencies& dependencies,
            std::unique_ptr<Listener> listener)
      : engine_(engine), dependencies_(dependencies), listener_(std::move(listener)) {}

  // The head, after waiting up to `wait` for another process to move it, or for wake(). Looks at it
  // at least every kPollMax, should a notification be lost.
  // Errors: as Store::confirm_head.
  Result<LogHead> watch(const LogHead& known, Milliseconds wait);
  void wake();
  // The head, read after a heartbeat was committed that began after this call. `known` gives what
  // is known at the moment that it is called. Errors: as Store::confirm_head.
  Result<LogHead> confirm(const std::function<LogHead()>& known);

 private:
  static constexpr Milliseconds kPollMax{250};

  Result<LogHead> beat(const LogHead& known);
  Result<LogHead> read_head(Connection& connection, const LogHead& known);

  SharedEngine& engine_;
  const StoreDependencies dependencies_;
  Mutex listener_mutex_;
  std::shared_ptr<Listener> listener_ LK_GUARDED_BY(listener_mutex_);

  std::unique_ptr<Connection> heart_;  // belongs to who set beating_
  Mutex mutex_;
  ConditionVariable beaten_;
  bool beating_ LK_GUARDED_BY(mutex_) = false;
  uint64_t begun_ LK_GUARDED_BY(mutex_) = 0;  // heartbeats
  uint64_t ended_ LK_GUARDED_BY(mutex_) = 0;
  Result<LogHead> last_ LK_GUARDED_BY(mutex_) = LogHead();  // what the last one found
};

}  // namespace latchkey::store
