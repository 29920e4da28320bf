// What a server does beside answering: following the feed, mail, last use, clearing up.
//
// Each is a thread that ends when asked to; an error is logged, waited after, and tried again.
// Thread safety: start and stop from one thread; mails_unsent() from any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "gate/usage_recorder.h"
#include "service/idempotency.h"
#include "service/last_use.h"
#include "service/notifier.h"
#include "service/usage.h"
#include "store/store.h"
#include "verify/verifier.h"

namespace latchkey::app {

struct BackgroundDependencies {
  store::Store& store;
  verify::Verifier& verifier;
  verify::Feed& feed;
  service::Notifier& notifier;
  service::LastUseRecorder& last_use;
  gate::UsageRecorder& usage_recorder;
  service::Usage& usage;
  service::Idempotency& idempotency;
  Clock& clock;
  Log& log;
};

class Background {
 public:
  // Starts the threads. REQUIRES: the verifier is loaded.
  explicit Background(const BackgroundDependencies& dependencies);
  // Stops and joins them, then flushes the last use once more.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Mails that will be tried (again), and those that will not.
  uint64_t mails_unsent() const { return mails_unsent_.load(); }
  uint64_t mails_given_up() const { return mails_given_up_.load(); }
  // Steps that failed since the start; each stands in the log.
  uint64_t failures() const { return failures_.load(); }

 private:
  void follow(std::stop_token stop);
  void notify(std::stop_token stop);
  void keep_house(std::stop_token stop);
  void clear_up();
  void flush_usage();
  void note_failure(std::string_view event, const Error& error);
  // Waits `time` or until `stop`; whether to go on.
  bool pause(std::stop_token stop, Milliseconds time);

  BackgroundDependencies dependencies_;
  std::atomic<uint64_t> mails_unsent_{0};
  std::atomic<uint64_t> mails_given_up_{0};
  std::atomic<uint64_t> failures_{0};
  std::mutex mutex_;  // of the pause only: it guards no data
  std::condition_variable_any woken_;
  std::vector<std::jthread> threads_;
};

}  // namespace latchkey::app
