// Tells gates what the server knows: keys, snapshots, and changes as they come.
//
// A gate that waits for changes holds no thread: its question is kept, and one thread of the hub
// answers all that there is something to tell, or whose time is over. How many wait, and how many
// pages of snapshots are read at once, is bounded. Thread safety: any thread. stop() ends the
// waiting. What an answer says is in feed_answers.h. Spec: docs/spec/feed.md.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/change_feed.h"
#include "app/feed_answers.h"
#include "app/feed_log.h"
#include "app/keys.h"
#include "base/mutex.h"
#include "store/store.h"
#include "verify/feed_message.h"

namespace latchkey::app {

struct FeedHubDependencies {
  store::Store& store;
  const Keys& keys;
  const core::ScopeCatalog& catalog;
  const core::ProviderSignature& provider;
  const service::Clients& clients;
  FeedLog& log;
  Clock& clock;
  Milliseconds staleness_max;  // what is told as a hint
  uint64_t run = 0;            // differs from process to process
};

struct FeedHubCounters {
  uint64_t waiting = 0;  // gates that wait for changes now
  uint64_t messages = 0;
  uint64_t snapshot_pages = 0;
  uint64_t truncated = 0;
  uint64_t refused = 0;  // because too many waited or read
};

class FeedHub final : public api::ChangeFeed {
 public:
  static constexpr size_t kWaitersMax = 1'024;
  static constexpr int kSnapshotReadersMax = 2;

  explicit FeedHub(const FeedHubDependencies& dependencies);
  ~FeedHub() override { stop(); }
  // Answers all that wait, and refuses who comes after. A second call does nothing.
  void stop();

  Result<std::string> keys() override;
  Result<std::string> snapshot(const service::ProvenClient& client, const std::string& cursor,
                               const std::string& keys) override;
  void changes(const service::ProvenClient& client, const Question& question, Told told) override;

  FeedHubCounters counters() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Waiter {
    service::ProvenClient client;
    Question question;
    Ticks asked_at;
    SteadyTime until;
    Told told;
  };
  // Messages that are the same for several gates, within one round of answers.
  struct Shared {
    std::string text;
    Ticks current_at;
  };
  using Cache = std::unordered_map<std::string, Shared>;

  void run(std::stop_token stop);
  void answer(Waiter& waiter, Cache& cache);
  Result<std::string> message_for(const Waiter& waiter, Cache& cache);
  std::string current_key_names() const;
  // The keys, unless they are those that `names` names. Cost: as keys().
  Result<std::optional<verify::FeedKeys>> keys_unless(const std::string& names);
  Result<verify::FeedKeys> read_keys();

  const FeedHubDependencies dependencies_;
  const FeedAnswers answers_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::vector<Waiter> waiters_ LK_GUARDED_BY(mutex_);
  bool stopped_ LK_GUARDED_BY(mutex_) = false;
  std::atomic<int> snapshot_readers_{0};
  std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> snapshot_pages_{0};
  std::atomic<uint64_t> truncated_{0};
  std::atomic<uint64_t> refused_{0};
  std::jthread thread_;
};

}  // namespace latchkey::app
