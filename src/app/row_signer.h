// Signs all rows anew after a row key was rotated, and then removes the old key.
//
// A thread of its own works in small transactions beside all other changes. It begins whenever
// there is an old row key, at start too, so a rotation that was killed goes on by itself. A pass
// that finds nothing to sign proves that no row is under an old key; only then is that removed.
// Thread safety: wake() and progress() from any thread. Spec: docs/spec/keys.md.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "app/key_keeper.h"
#include "base/mutex.h"

namespace latchkey::app {

struct RowSignerDependencies {
  KeyKeeper& keeper;
  service::KeyChanges& changes;
  Log& log;
};

class RowSigner {
 public:
  // Starts the thread.
  explicit RowSigner(const RowSignerDependencies& dependencies);
  ~RowSigner();
  RowSigner(const RowSigner&) = delete;
  RowSigner& operator=(const RowSigner&) = delete;

  // Looks whether there is an old row key now.
  void wake();

  struct Progress {
    bool is_running = false;  // there is an old row key
    uint64_t done = 0;        // rows, of this pass
    uint64_t total = 0;
    std::string problem;  // why the last attempt failed; it is tried again
  };
  Progress progress() const;

 private:
  void run(std::stop_token stop);
  bool has_old_key() const;
  // Signs everything and removes the old keys, unless it is told to stop. Errors: those of a step.
  Result<void> rotate(const std::stop_token& stop);
  // One pass over all tables. Returns how many rows were signed.
  Result<uint64_t> pass(const std::stop_token& stop);
  bool pause(const std::stop_token& stop, Milliseconds time);

  const RowSignerDependencies dependencies_;
  mutable Mutex mutex_;
  Progress progress_ LK_GUARDED_BY(mutex_);
  std::mutex pause_mutex_;  // of the pause only: it guards no data
  std::condition_variable_any woken_;
  std::atomic<bool> is_awake_{false};
  std::jthread thread_;
};

}  // namespace latchkey::app
