#include "store/sql_store.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "store/event_rows.h"
#include "store/shared_engine.h"

namespace latchkey::store {
namespace {

constexpr size_t kReadersMax = 8;
constexpr size_t kGroupMax = 256;
constexpr size_t kWaitingWritesMax = 4'096;
constexpr int kEventsMax = 1'000;
constexpr Milliseconds kReaderWaitMax = std::chrono::seconds(10);
constexpr Milliseconds kWriteWaitMax = std::chrono::seconds(15);
constexpr Milliseconds kEventWaitMax = std::chrono::minutes(1);

using SteadyClock = std::chrono::steady_clock;

}  // namespace

SqlStore::SqlStore(std::unique_ptr<Driver> driver, const StoreDependencies& dependencies,
                   const LogHead& head, std::unique_ptr<Listener> listener)
    : driver_(std::move(driver)),
      row_keys_(dependencies.row_keys),
      log_(dependencies.log),
      entropy_(dependencies.entropy),
      shared_(
          driver_->shared() == nullptr
              ? nullptr
              : std::make_unique<SharedLog>(*driver_->shared(), dependencies, std::move(listener))),
      readers_(*driver_, kReadersMax),
      writer_(*driver_, dependencies),
      head_(head) {}

Result<void> SqlStore::read(const ReadBody& body) {
  LK_TRY(auto connection, begin_read());
  Result<void> outcome;
  {
    ReadTx tx(*connection, row_keys_, log_);
    outcome = body(tx);
  }
  // A read never commits, so that it cannot change anything.
  if (!connection->run("ROLLBACK")) connection.reset();
  readers_.put(std::move(connection));
  return outcome;
}

// A connection within a transaction. An idle one may have ended with the engine; then all may have.
Result<std::unique_ptr<Connection>> SqlStore::begin_read() {
  for (int tries = 1;; ++tries) {
    LK_TRY(auto connection, readers_.take(kReaderWaitMax));
    auto begun = connection->run(driver_->begin_read());
    if (begun) return connection;
    connection.reset();
    readers_.put(nullptr);
    readers_.forget_idle();
    if (!shared_ || tries == 2) return std::move(begun).error();
  }
}

Result<Committed> SqlStore::write(const WriteBody& body) { return enqueue(body, WriteKind::state); }

Result<void> SqlStore::write_aside(const WriteBody& body) {
  LK_CHECK(enqueue(body, WriteKind::aside));
  return {};
}

Result<Committed> SqlStore::enqueue(const WriteBody& body, WriteKind kind) {
  Waiting waiting(body, kind);
  const auto deadline = SteadyClock::now() + kWriteWaitMax;
  MutexLock lock(mutex_);
  if (queue_.size() >= kWaitingWritesMax) {
    return Error(ErrorCode::overloaded, "too many changes are waiting");
  }
  queue_.push_back(&waiting);
  while (!waiting.done) {
    if (!leading_) {
      lead();
      continue;
    }
    const auto left = deadline - SteadyClock::now();
    if (!waiting.taken && left <= left.zero()) {
      std::erase(queue_, &waiting);
      return Error(ErrorCode::store_unavailable, "the change waited too long; nothing was changed");
    }
    // Once taken, only the end of the engine's own call tells what became of it.
    waiting.ready.wait_for(mutex_, std::max(left, SteadyClock::duration(Milliseconds(100))));
  }
  LK_CHECK(*waiting.item.outcome);
  return Committed{waiting.revision};
}

void SqlStore::lead() {
  leading_ = true;
  std::vector<Waiting*> group;
  std::vector<WriteItem*> items;
  while (!queue_.empty() && group.size() < kGroupMax) {
    queue_.front()->taken = true;
    group.push_back(queue_.front());
    items.push_back(&queue_.front()->item);
    queue_.pop_front();
  }
  const LogHead known = accepted_.value_or(head_);

  mutex_.unlock();
  const LogHead head = writer_.write(items, known);
  mutex_.lock();

  leading_ = false;
  const bool has_moved = head.revision != known.revision;
  // Another's later change, or another log, may have been learned of meanwhile.
  const bool is_news = head.epoch != known.epoch || head.revision > head_.revision;
  if (!accepted_ && known.epoch == head_.epoch && has_moved && is_news) head_ = head;
  if (accepted_) accepted_ = head;
  for (Waiting* const waiting : group) {
    LK_ASSERT(waiting->item.outcome);
    waiting->revision = head.revision;
    waiting->done = true;
    waiting->ready.notify_one();
  }
  if (!queue_.empty()) queue_.front()->ready.notify_one();
  if (has_moved) {
    head_changed_.notify_all();
    if (shared_) shared_->wake();
  }
}

LogHead SqlStore::head() const {
  MutexLock lock(mutex_);
  return head_;
}

Result<LogHead> SqlStore::confirm_head() {
  if (!shared_) return head();
  const auto found = shared_->confirm([this] { return head(); });
  MutexLock lock(mutex_);
  LK_CHECK(learn(found));
  return head_;
}

Result<void> SqlStore::learn(const Result<LogHead>& found) {
  if (!found) {
    if (found.error().code == ErrorCode::feed_truncated && !truncated_) {
      truncated_ = true;
      log_.error("store.log_replaced", {{"revision", static_cast<int64_t>(head_.revision.number)},
                                        {"message", found.error().message}});
    }
    return found.error();
  }
  if (accepted_ || found->epoch != head_.epoch) {
    return Error(ErrorCode::feed_truncated, "the event log is being loaded anew");
  }
  if (found->revision > head_.revision) {
    head_ = *found;
    head_changed_.notify_all();
  }
  return {};
}

Result<LogHead> SqlStore::accept_log() {
  if (!shared_) return head();
  const LogHead known = head();
  LogHead stored;
  Result<void> continues;
  LK_CHECK(read([&](ReadTx& tx) -> Result<void> {
    LK_TRY(stored, load_signed_head(tx.connection(), tx.row_keys()));
    continues = check_continues(tx.connection(), known, stored);
    return {};
  }));
  if (!continues && continues.error().code != ErrorCode::feed_truncated) return continues.error();
  LogHead taken = stored;
  // A new epoch was begun already where there is one: by another node, or by an operator.
  if (!continues && stored.epoch == known.epoch) {
    LK_TRY(taken, begin_epoch_after(stored));
  }
  MutexLock lock(mutex_);
  truncated_ = false;
  if (taken.epoch != head_.epoch || taken.revision > head_.revision) head_ = taken;
  head_changed_.notify_all();
  return head_;
}

// Writes go on from `stored` meanwhile, whose signature is ours.
Result<LogHead> SqlStore::begin_epoch_after(const LogHead& stored) {
  LogHead lost;
  {
    MutexLock lock(mutex_);
    accepted_ = stored;
    lost = head_;
  }
  auto epoch = core::make_id<core::Epoch>(entropy_);
  Result<Committed> written = Error(ErrorCode::internal, "no epoch");
  if (epoch) {
    written = write([&](WriteTx& tx) -> Result<void> {
      core::EventDraft draft;
      draft.action = core::Action::store_restored;
      draft.data = R"({"by":"loss","epoch":")" + core::format_id(*epoch) + R"(","lostHash":")" +
                   format_hex(lost.hash) + R"(","lostRevision":)" +
                   std::to_string(lost.revision.number) + "}";
      tx.begin_epoch(*epoch);
      core::EventContext context;
      context.mechanism = "system";
      LK_CHECK(tx.append(draft, context));
      return {};
    });
  }
  MutexLock lock(mutex_);
  const LogHead head = accepted_.value_or(stored);
  accepted_.reset();
  if (!epoch) return epoch.error();
  if (!written) return written.error();
  return head;
}

Result<void> SqlStore::wait_for_head(Milliseconds wait) {
  if (!shared_ || watching_) {
    head_changed_.wait_for(mutex_, wait);
    return {};
  }
  // The first that waits watches for all.
  watching_ = true;
  const LogHead known = head_;
  mutex_.unlock();
  const auto found = shared_->watch(known, wait);
  mutex_.lock();
  watching_ = false;
  auto learned = learn(found);
  head_changed_.notify_all();  // another one watches now
  return learned;
}

Result<std::vector<core::Event>> SqlStore::events(core::Revision after, int limit,
                                                  Milliseconds wait) {
  LK_ASSERT(limit > 0);
  const auto deadline = SteadyClock::now() + std::clamp(wait, Milliseconds(0), kEventWaitMax);
  {
    MutexLock lock(mutex_);
    while (head_.revision <= after) {
      const auto left = std::chrono::ceil<Milliseconds>(deadline - SteadyClock::now());
      if (interrupted_ || left <= left.zero()) return std::vector<core::Event>();
      LK_CHECK(wait_for_head(left));
    }
  }
  std::vector<core::Event> events;
  LK_CHECK(read([&](ReadTx& tx) -> Result<void> {
    LK_TRY(events, list_events(tx.connection(), after, std::min(limit, kEventsMax)));
    return {};
  }));
  return events;
}

Result<uint64_t> SqlStore::other_nodes() {
  uint64_t count = 0;
  SharedEngine* const shared = driver_->shared();
  if (shared == nullptr) return count;
  LK_CHECK(read([&](ReadTx& tx) -> Result<void> {
    LK_TRY(count, shared->count_others(tx.connection()));
    return {};
  }));
  return count;
}

void SqlStore::interrupt() {
  MutexLock lock(mutex_);
  interrupted_ = true;
  head_changed_.notify_all();
  if (shared_) shared_->wake();
}

}  // namespace latchkey::store
