// A bounded pool of threads for work that may block: SQL, password hashing, mail.
//
// Work waits in one queue of at most `queue_max` jobs; a full queue refuses at once, so that an
// overload is answered and not stored up. Thread safety: any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace latchkey::http {

class WorkerPool {
 public:
  using Job = std::function<void()>;
  WorkerPool(int threads, size_t queue_max);
  // Runs what is queued, then joins the threads.
  ~WorkerPool();

  // Queues `job`, or returns false when the queue is full or the pool is ending.
  bool post(Job job);
  size_t queued() const;

 private:
  void run();

  const size_t queue_max_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Job> queue_ LK_GUARDED_BY(mutex_);
  bool ending_ LK_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace latchkey::http
