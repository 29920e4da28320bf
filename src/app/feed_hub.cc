#include "app/feed_hub.h"

#include <algorithm>
#include <utility>

#include "app/feed_snapshot.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kTargetWaitMax{500};

// Counts one reader in, and out again.
class Place {
 public:
  explicit Place(std::atomic<int>& taken, int most)
      : taken_(taken), is_free_(taken_.fetch_add(1) < most) {}
  ~Place() { taken_.fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool is_free() const { return is_free_; }

 private:
  std::atomic<int>& taken_;
  const bool is_free_;
};

struct OrganizationOf {
  core::OrganizationId operator()(const auto& item) const { return item.organization; }
};

}  // namespace

FeedHub::FeedHub(const FeedHubDependencies& dependencies) : dependencies_(dependencies) {
  dependencies_.log.on_change([this] {
    const MutexLock lock(mutex_);
    changed_.notify_all();
  });
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void FeedHub::stop() {
  std::vector<Waiter> left;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    left.swap(waiters_);
    changed_.notify_all();
  }
  for (Waiter& waiter : left) waiter.told(Error(ErrorCode::overloaded, "The server is stopping."));
  if (thread_.joinable()) thread_.join();
}

std::string FeedHub::current_key_names() const {
  const core::DigestKeys& keys = dependencies_.keys.digest_keys();
  return verify::name_keys(keys.current_id(), keys.ids());
}

Result<verify::FeedKeys> FeedHub::read_keys() {
  verify::FeedKeys told;
  told.provider = dependencies_.provider;
  told.staleness_max = dependencies_.staleness_max;
  told.current = dependencies_.keys.digest_keys().current_id();
  LK_TRY(told.keys, dependencies_.keys.read_digest_keys());
  return told;
}

Result<std::optional<verify::FeedKeys>> FeedHub::keys_unless(const std::string& names) {
  if (names == current_key_names()) return std::optional<verify::FeedKeys>();
  LK_TRY(auto keys, read_keys());
  return std::optional(std::move(keys));
}

Result<std::string> FeedHub::keys() {
  verify::FeedMessage message;
  message.deployment = dependencies_.keys.deployment_id();
  message.position = dependencies_.log.reached();
  LK_TRY(message.keys, keys_unless(""));
  messages_.fetch_add(1);
  return encode(message);
}

Result<std::string> FeedHub::snapshot(const service::ProvenClient& client,
                                      const std::string& cursor, const std::string& keys) {
  const Place place(snapshot_readers_, kSnapshotReadersMax);
  if (!place.is_free()) {
    refused_.fetch_add(1);
    return Error(ErrorCode::overloaded, "Others load a snapshot now. Try again.");
  }
  // The position first: what is read may be newer, never older.
  const core::Position position = dependencies_.store.head().position();
  LK_TRY(auto message,
         read_snapshot_page(dependencies_.store, dependencies_.catalog, client, cursor));
  message.deployment = dependencies_.keys.deployment_id();
  message.position = position;
  // The keys last: those of all the tokens that were read are there.
  LK_TRY(message.keys, keys_unless(keys));
  snapshot_pages_.fetch_add(1);
  return encode(message);
}

void FeedHub::changes(const service::ProvenClient& client, const Question& question, Told told) {
  const core::Position head = dependencies_.store.head().position();
  if (question.after.epoch != head.epoch || question.after.revision > head.revision) {
    truncated_.fetch_add(1);
    return told(Error(ErrorCode::feed_truncated));
  }
  const auto until = std::chrono::steady_clock::now() + question.wait;
  bool is_taken = false;
  {
    const MutexLock lock(mutex_);
    is_taken = !stopped_ && waiters_.size() < kWaitersMax;
    if (is_taken) {
      waiters_.push_back({client, question, head.revision, until, std::move(told)});
      changed_.notify_all();
    }
  }
  if (is_taken) return;
  refused_.fetch_add(1);
  told(Error(ErrorCode::overloaded, "Too many gates wait. Try again."));
}

// Takes out who can be answered, and answers them without the lock.
void FeedHub::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<Waiter> ready;
    {
      const MutexLock lock(mutex_);
      if (stopped_) return;
      const auto now = std::chrono::steady_clock::now();
      const core::Revision reached = dependencies_.log.reached().revision;
      const std::string names = current_key_names();
      auto next = now + std::chrono::seconds(60);
      // Our own index follows within milliseconds; if it does not, that is told.
      const auto end_of = [&](const Waiter& waiter) {
        return reached < waiter.target ? waiter.until + kTargetWaitMax : waiter.until;
      };
      const auto is_ready = [&](const Waiter& waiter) {
        if (now >= end_of(waiter)) return true;
        if (reached < waiter.target) return false;
        return reached > waiter.question.after.revision || waiter.question.keys != names;
      };
      const auto first = std::stable_partition(waiters_.begin(), waiters_.end(),
                                               [&](const auto& one) { return !is_ready(one); });
      std::move(first, waiters_.end(), std::back_inserter(ready));
      waiters_.erase(first, waiters_.end());
      for (const Waiter& waiter : waiters_) next = std::min(next, end_of(waiter));
      if (ready.empty()) {
        (void)changed_.wait_for(mutex_, next - now);
        continue;
      }
    }
    Cache cache;
    for (Waiter& waiter : ready) answer(waiter, cache);
  }
}

void FeedHub::answer(Waiter& waiter, Cache& cache) {
  auto message = message_for(waiter, cache);
  (message ? messages_ : truncated_).fetch_add(1);
  waiter.told(std::move(message));
}

Result<std::string> FeedHub::message_for(const Waiter& waiter, Cache& cache) {
  if (!dependencies_.clients.is_live(waiter.client.id())) return Error(ErrorCode::token_unknown);
  const core::Position reached = dependencies_.log.reached();
  // Without what the target stands for, nothing is known about the moment of the question.
  if (reached.revision < waiter.target) {
    return Error(ErrorCode::store_unavailable, "The server's own index is behind. Try again.");
  }
  const auto part =
      dependencies_.log.after(waiter.question.after.revision, verify::kFeedMessageItemsMax);
  if (!part) return Error(ErrorCode::feed_truncated);
  const bool is_shared = waiter.client.is_for_all();
  const std::string name =
      std::to_string(waiter.question.after.revision.number) + ' ' + waiter.question.keys;
  if (is_shared) {
    if (const auto found = cache.find(name); found != cache.end()) return found->second;
  }
  verify::FeedMessage message;
  message.deployment = dependencies_.keys.deployment_id();
  message.position = {reached.epoch, part->reached};
  message.more = part->reached < waiter.target;
  for (const auto& round : part->rounds) {
    for (const verify::FeedItem& item : *round) {
      if (waiter.client.is_for(std::visit(OrganizationOf(), item))) message.items.push_back(item);
    }
  }
  LK_TRY(message.keys, keys_unless(waiter.question.keys));
  std::string text = encode(message);
  if (is_shared && !message.keys) cache.emplace(name, text);
  return text;
}

FeedHubCounters FeedHub::counters() const {
  FeedHubCounters counters;
  {
    const MutexLock lock(mutex_);
    counters.waiting = waiters_.size();
  }
  counters.messages = messages_.load();
  counters.snapshot_pages = snapshot_pages_.load();
  counters.truncated = truncated_.load();
  counters.refused = refused_.load();
  return counters;
}

}  // namespace latchkey::app
