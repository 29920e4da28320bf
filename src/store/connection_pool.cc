#include "store/connection_pool.h"

#include <utility>

namespace latchkey::store {

Result<std::unique_ptr<Connection>> ConnectionPool::take(Milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  {
    MutexLock lock(mutex_);
    while (taken_ >= connections_max_) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) {
        return Error(ErrorCode::store_unavailable, "too many are reading at once");
      }
      freed_.wait_for(mutex_, left);
    }
    ++taken_;
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  auto connection = driver_.connect();
  if (!connection) put(nullptr);
  return connection;
}

void ConnectionPool::put(std::unique_ptr<Connection> connection) {
  MutexLock lock(mutex_);
  LK_ASSERT(taken_ > 0);
  --taken_;
  if (connection) idle_.push_back(std::move(connection));
  freed_.notify_one();
}

void ConnectionPool::forget_idle() {
  std::vector<std::unique_ptr<Connection>> idle;
  MutexLock lock(mutex_);
  idle.swap(idle_);
}

}  // namespace latchkey::store
