// A bounded pool of threads for work that may block: SQL, password hashing, mail.
//
// Work waits in one queue of at most `queue_max` jobs; a full queue refuses at once, so that an
// overload is answered and not stored up. Thread safety: any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"

namespace latchkey::http {

// A function without arguments that may own what cannot be copied, such as a Reply.
class Job {
 public:
  template <class Function>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, Job>)
      Job(Function&& function)  // implicit, so that a lambda can be posted
      : body_(std::make_unique<Body<std::remove_cvref_t<Function>>>(
            std::forward<Function>(function))) {}
  // REQUIRES: not moved from.
  void operator()() { body_->run(); }

 private:
  struct AnyBody {
    virtual ~AnyBody() = default;
    virtual void run() = 0;
  };
  template <class Function>
  struct Body final : AnyBody {
    template <class F>
    explicit Body(F&& f) : function(std::forward<F>(f)) {}
    void run() override { function(); }
    Function function;
  };
  std::unique_ptr<AnyBody> body_;
};

class WorkerPool {
 public:
  // `threads` is 1 to 256. What a job throws is written to `log`, if there is one.
  WorkerPool(int threads, size_t queue_max, Log* log = nullptr);
  // Runs what is queued, then joins the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues `job`, or returns false when the queue is full or the pool is ending. A refused job ends
  // unrun, and a Reply that it owns answers 500: to answer 503 keep the Reply in a shared_ptr.
  bool post(Job job);
  // How many jobs wait, without those that run.
  size_t queued() const;

 private:
  void run();

  const size_t queue_max_;
  Log* const log_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Job> queue_ LK_GUARDED_BY(mutex_);
  bool ending_ LK_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace latchkey::http
