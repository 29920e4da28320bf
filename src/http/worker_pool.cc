#include "http/worker_pool.h"

#include <exception>
#include <optional>

#include "base/assert.h"

namespace latchkey::http {

WorkerPool::WorkerPool(int threads, Bounds bounds, Log* log) : bounds_(bounds), log_(log) {
  LK_ASSERT(threads >= 1 && threads <= 256);
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

bool WorkerPool::post(Job job) {
  const auto now = std::chrono::steady_clock::now();
  {
    MutexLock lock(mutex_);
    if (ending_ || queue_.size() >= bounds_.queue_max) return false;
    const bool is_bounded = bounds_.waited_max.count() > 0 && !queue_.empty();
    if (is_bounded && now - queue_.front().since > bounds_.waited_max) return false;
    queue_.push_back({std::move(job), now});
  }
  changed_.notify_one();
  return true;
}

size_t WorkerPool::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void WorkerPool::run() {
  for (;;) {
    std::optional<Job> job;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !ending_) changed_.wait(mutex_);
      if (queue_.empty()) return;
      job.emplace(std::move(queue_.front().job));
      queue_.pop_front();
    }
    // We throw nothing, but libraries may; a job that fails so must not take the process with it.
    try {
      (*job)();
    } catch (const std::exception& failure) {
      if (log_) log_->error("worker.job_failed", {{"reason", failure.what()}});
    } catch (...) {
      if (log_) log_->error("worker.job_failed", {{"reason", "not a standard exception"}});
    }
  }
}

}  // namespace latchkey::http
