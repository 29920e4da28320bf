#include "store/shared_log.h"

#include <algorithm>
#include <utility>

#include "store/event_rows.h"

namespace latchkey::store {
namespace {

constexpr Milliseconds kConfirmMax = std::chrono::seconds(10);

}  // namespace

Result<LogHead> SharedLog::watch(const LogHead& known, Milliseconds wait) {
  std::shared_ptr<Listener> listener;
  {
    MutexLock lock(listener_mutex_);
    listener = listener_;
  }
  const bool is_new = !listener;
  if (is_new) {
    LK_TRY(listener, engine_.listen());
    MutexLock lock(listener_mutex_);
    listener_ = listener;
  }
  // What was committed while nobody listened is there already.
  auto waited = is_new ? Result<void>() : listener->wait(std::min(wait, kPollMax));
  auto head = waited ? read_head(listener->connection(), known) : Result<LogHead>(waited.error());
  if (!head && head.error().code == ErrorCode::store_unavailable) {
    MutexLock lock(listener_mutex_);
    listener_.reset();
  }
  return head;
}

void SharedLog::wake() {
  MutexLock lock(listener_mutex_);
  if (listener_) listener_->wake();
}

Result<LogHead> SharedLog::confirm(const std::function<LogHead()>& known) {
  const auto deadline = std::chrono::steady_clock::now() + kConfirmMax;
  MutexLock lock(mutex_);
  const uint64_t wanted = begun_ + 1;  // one that is under way may have begun too early
  while (ended_ < wanted) {
    if (beating_) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) {
        return Error(ErrorCode::store_unavailable, "the database did not confirm in time");
      }
      beaten_.wait_for(mutex_, left);
      continue;
    }
    beating_ = true;
    ++begun_;
    mutex_.unlock();
    auto found = beat(known());
    mutex_.lock();
    beating_ = false;
    ended_ = begun_;
    last_ = std::move(found);
    beaten_.notify_all();
  }
  return last_;
}

Result<LogHead> SharedLog::beat(const LogHead& known) {
  const bool was_open = heart_ != nullptr;
  if (!heart_) {
    LK_TRY(heart_, engine_.connect_briefly());
  }
  const auto beaten = engine_.beat(*heart_);
  auto head = beaten ? read_head(*heart_, known) : Result<LogHead>(beaten.error());
  if (!head && head.error().code == ErrorCode::store_unavailable) {
    heart_.reset();
    // A session that was open may have ended long ago, with a restart of the server.
    if (was_open) return beat(known);
  }
  return head;
}

Result<LogHead> SharedLog::read_head(Connection& connection, const LogHead& known) {
  LK_TRY(const LogHead head,
         load_signed_head(connection, core::RowKeyView(dependencies_.row_keys)));
  LK_CHECK(check_continues(connection, known, head));
  return head;
}

}  // namespace latchkey::store
