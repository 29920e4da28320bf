// The one backup that a server may make at a time: asked for at the console, made by a worker.
//
// start() returns at once; progress() says how far it is and, after it, how it ended. interrupt()
// ends one that runs, for a stop. Thread safety: any thread.
#pragma once

#include "app/backup.h"
#include "base/mutex.h"
#include "http/message.h"
#include "http/worker_pool.h"

namespace latchkey::app {

struct BackupRunDependencies {
  store::Store& store;
  const std::string& data_dir;
  const Keys& keys;
  Clock& clock;
  Log& log;
  http::WorkerPool& workers;
};

class BackupRun {
 public:
  explicit BackupRun(const BackupRunDependencies& dependencies) : dependencies_(dependencies) {}
  BackupRun(const BackupRun&) = delete;
  BackupRun& operator=(const BackupRun&) = delete;

  // POST /backup {"folder","withKeys"}: begins. Errors: invalid_argument; conflict (one runs);
  //                                     overloaded.
  Result<http::Response> start(const http::Request& request);
  // GET /backup.
  http::Response progress() const;
  void interrupt();

 private:
  enum class State { none, running, done, failed };
  void run(const BackupRequest& request);

  const BackupRunDependencies dependencies_;
  mutable Mutex mutex_;
  State state_ LK_GUARDED_BY(mutex_) = State::none;
  bool interrupted_ LK_GUARDED_BY(mutex_) = false;
  uint64_t done_ LK_GUARDED_BY(mutex_) = 0;
  uint64_t total_ LK_GUARDED_BY(mutex_) = 0;
  std::string folder_ LK_GUARDED_BY(mutex_);
  BackupManifest manifest_ LK_GUARDED_BY(mutex_);
  Error error_ LK_GUARDED_BY(mutex_){ErrorCode::internal};
};

}  // namespace latchkey::app
