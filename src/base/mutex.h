// Locks that the clang build can check.
//
// A field under a lock is declared `LK_GUARDED_BY(mutex_)`; `cmake --preset clang` turns an access
// without the lock into an error (-Wthread-safety). gcc ignores the annotations.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define LK_ATTRIBUTE(x) __attribute__((x))
#else
#define LK_ATTRIBUTE(x)
#endif

#define LK_GUARDED_BY(mutex) LK_ATTRIBUTE(guarded_by(mutex))
#define LK_REQUIRES(mutex) LK_ATTRIBUTE(requires_capability(mutex))
#define LK_EXCLUDES(mutex) LK_ATTRIBUTE(locks_excluded(mutex))

namespace latchkey {

class LK_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() LK_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() LK_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class LK_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) LK_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() LK_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a Mutex held. Like std::condition_variable, a wait may end for no reason.
class ConditionVariable {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }
  void wait(Mutex& mutex) LK_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `timeout` passed first.
  template <class Rep, class Period>
  bool wait_for(Mutex& mutex, std::chrono::duration<Rep, Period> timeout) LK_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const auto status = condition_.wait_for(lock, timeout);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace latchkey
