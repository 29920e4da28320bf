// The Store over SQL: a queue of writes with one leader, and a pool of readers.
//
// The first of the waiting writers leads: it runs what waits in one transaction and wakes the
// others. So there is no thread of our own. Thread safety: as of Store. Why:
// docs/decisions/0003-group-commit.md.
#pragma once

#include <deque>
#include <optional>

#include "base/mutex.h"
#include "store/connection_pool.h"
#include "store/group_writer.h"
#include "store/shared_log.h"
#include "store/store.h"

namespace latchkey::store {

class SqlStore final : public Store {
 public:
  // `head` is the one that was found at open; `listener` is null where nobody else writes.
  SqlStore(std::unique_ptr<Driver> driver, const StoreDependencies& dependencies,
           const LogHead& head, std::unique_ptr<Listener> listener);

  Result<void> read(const ReadBody& body) override;
  Result<Committed> write(const WriteBody& body) override;
  Result<void> write_aside(const WriteBody& body) override;
  bool needs_restart() const override { return driver_->needs_restart(); }
  LogHead head() const override;
  Result<LogHead> confirm_head() override;
  Result<LogHead> accept_log() override;
  Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                          Milliseconds wait) override;
  Result<void> copy_to(const std::string& path, const CopyProgress& on_progress) override {
    return driver_->copy_to(path, on_progress);
  }
  Result<uint64_t> other_nodes() override;
  void interrupt() override;

 private:
  struct Waiting {
    Waiting(const WriteBody& body, WriteKind kind) : item{body, kind} {}
    WriteItem item;
    ConditionVariable ready;  // the item is done, or its writer is to lead
    bool taken = false;       // by a leader: its writer must wait for the end
    bool done = false;
    core::Revision revision;
  };

  Result<Committed> enqueue(const WriteBody& body, WriteKind kind);
  // Runs what waits, without the mutex, and wakes whom it concerns.
  void lead() LK_REQUIRES(mutex_);
  // Waits up to `wait` for the head to move.
  Result<void> wait_for_head(Milliseconds wait) LK_REQUIRES(mutex_);
  // Takes what was found in the database; passes a failure on.
  Result<void> learn(const Result<LogHead>& found) LK_REQUIRES(mutex_);
  Result<std::unique_ptr<Connection>> begin_read();
  Result<LogHead> begin_epoch_after(const LogHead& stored);

  const std::unique_ptr<Driver> driver_;
  const core::RowKeys& row_keys_;
  Log& log_;
  Entropy& entropy_;
  const std::unique_ptr<SharedLog> shared_;  // null: nobody else writes
  ConnectionPool readers_;
  GroupWriter writer_;  // belongs to the leader: whoever set leading_

  mutable Mutex mutex_;
  std::deque<Waiting*> queue_ LK_GUARDED_BY(mutex_);
  bool leading_ LK_GUARDED_BY(mutex_) = false;
  bool interrupted_ LK_GUARDED_BY(mutex_) = false;
  LogHead head_ LK_GUARDED_BY(mutex_);
  // While accept_log() goes on from another log than ours.
  std::optional<LogHead> accepted_ LK_GUARDED_BY(mutex_);
  bool truncated_ LK_GUARDED_BY(mutex_) = false;  // and that was logged
  bool watching_ LK_GUARDED_BY(mutex_) = false;   // somebody is in SharedLog::watch()
  ConditionVariable head_changed_;
};

}  // namespace latchkey::store
