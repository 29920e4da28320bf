#include "store/sql_store.h"

#include <algorithm>
#include <utility>

#include "store/event_rows.h"

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
                   const LogHead& head)
    : driver_(std::move(driver)),
      row_keys_(dependencies.row_keys),
      log_(dependencies.log),
      readers_(*driver_, kReadersMax),
      writer_(*driver_, dependencies),
      head_(head) {}

Result<void> SqlStore::read(const ReadBody& body) {
  LK_TRY(auto connection, readers_.take(kReaderWaitMax));
  Result<void> outcome;
  if (auto begun = connection->run("BEGIN"); !begun) {
    outcome = std::move(begun).error();
  } else {
    ReadTx tx(*connection, row_keys_, log_);
    outcome = body(tx);
  }
  // A read never commits, so that it cannot change anything.
  if (!connection->run("ROLLBACK")) connection.reset();
  readers_.put(std::move(connection));
  return outcome;
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
  const LogHead known = head_;

  mutex_.unlock();
  const LogHead head = writer_.write(items, known);
  mutex_.lock();

  leading_ = false;
  head_ = head;
  for (Waiting* const waiting : group) {
    LK_ASSERT(waiting->item.outcome);
    waiting->revision = head.revision;
    waiting->done = true;
    waiting->ready.notify_one();
  }
  if (!queue_.empty()) queue_.front()->ready.notify_one();
  if (head.revision != known.revision) head_changed_.notify_all();
}

LogHead SqlStore::head() const {
  MutexLock lock(mutex_);
  return head_;
}

Result<std::vector<core::Event>> SqlStore::events(core::Revision after, int limit,
                                                  Milliseconds wait) {
  LK_ASSERT(limit > 0);
  const auto deadline = SteadyClock::now() + std::clamp(wait, Milliseconds(0), kEventWaitMax);
  {
    MutexLock lock(mutex_);
    while (head_.revision <= after) {
      const auto left = deadline - SteadyClock::now();
      if (interrupted_ || left <= left.zero()) return std::vector<core::Event>();
      head_changed_.wait_for(mutex_, left);
    }
  }
  std::vector<core::Event> events;
  LK_CHECK(read([&](ReadTx& tx) -> Result<void> {
    LK_TRY(events, list_events(tx.connection(), after, std::min(limit, kEventsMax)));
    return {};
  }));
  return events;
}

void SqlStore::interrupt() {
  MutexLock lock(mutex_);
  interrupted_ = true;
  head_changed_.notify_all();
}

}  // namespace latchkey::store
