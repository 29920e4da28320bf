// Keeps the index's snapshot fresh: writes it now and then in the background, and at the end.
//
// Now and then means when following what changed since would take a start longer than reading some
// part of it. Between two parts of the file it rests as long as the last one took, so that others
// have the disk half of the time. An error is logged and tried again later; nothing depends on it.
// Thread safety: counters() from any thread; the rest from one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "app/index_snapshot.h"

namespace latchkey::app {

struct SnapshotCounters {
  uint64_t revision = 0;  // of the file; 0: there is none that is good
  uint64_t written = 0;
  uint64_t failed = 0;
  bool was_used = false;  // at the start
};

class SnapshotKeeper {
 public:
  // `snapshot` and `verifier` outlive the keeper. `was_used`: the start was made from the file.
  SnapshotKeeper(IndexSnapshot& snapshot, const verify::Verifier& verifier, Log& log,
                 bool was_used);
  ~SnapshotKeeper() { stop(); }
  // Ends the thread, and what it is writing, at once.
  void stop();
  // Writes what changed since. REQUIRES: after stop(), while the index is not followed any more.
  void write_last();

  SnapshotCounters counters() const;

 private:
  void run(std::stop_token stop);
  void write(const std::function<bool(Milliseconds)>& rest);
  // Waits `time` or until `stop`; whether to go on.
  bool pause(std::stop_token stop, Milliseconds time);

  IndexSnapshot& snapshot_;
  const verify::Verifier& verifier_;
  Log& log_;
  const bool was_used_;
  std::atomic<uint64_t> revision_;
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> failed_{0};
  std::mutex mutex_;  // of the pause only: it guards no data
  std::condition_variable_any woken_;
  std::jthread thread_;
};

}  // namespace latchkey::app
