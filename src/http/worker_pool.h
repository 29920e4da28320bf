// A bounded pool of threads for work that may block: SQL, password hashing, mail.
//
// Work waits in one queue of at most `queue_max` jobs; a full queue refuses at once, so that an
// overload is answered and not stored up. Thread safety: any thread.
#pragma once

#include <chrono>
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
  // How long jobs may have waited when another is queued; 0: any time.
  struct Bounds {
    size_t queue_max = 0;
    std::chrono::milliseconds waited_max{0};
  };
  // `threads` is 1 to 256. What a job throws is written to `log`, if there is one.
  WorkerPool(int threads, size_t queue_max, Log* log = nullptr)
      : WorkerPool(threads, Bounds{queue_max}, log) {}
  WorkerPool(int threads, Bounds bounds, Log* log);
  // Runs what is queued, then joins the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues `job`, or returns false when the queue is full, its first job has waited for too long,
  // or the pool is ending. A refused job ends unrun, and a Reply that it owns answers 500: to
  // answer 503 keep the Reply in a shared_ptr.
  bool post(Job job);
  // How many jobs wait, without those that run.
  size_t queued() const;

 private:
  void run();

  struct Queued {
    Job job;
    std::chrono::steady_clock::time_point since;
  };
  const Bounds bounds_;
  Log* const log_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Queued> queue_ LK_GUARDED_BY(mutex_);
  bool ending_ LK_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace latchkey::http
