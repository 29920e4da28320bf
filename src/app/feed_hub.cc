#include "app/feed_hub.h"

#include <algorithm>
#include <utility>

#include "app/feed_snapshot.h"

namespace latchkey::app {
namespace {

// How long an answer may wait for this node's own index to come along.
constexpr Milliseconds kLagWaitMax{500};

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

}  // namespace

FeedHub::FeedHub(const FeedHubDependencies& dependencies)
    : dependencies_(dependencies), answers_(dependencies.log, dependencies.run) {
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
  if (const auto level = dependencies_.log.level()) message.position = level->position;
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
  LK_TRY(const FeedAnswers::Page page, answers_.begin_page(cursor, dependencies_.clock.ticks()));
  LK_TRY(auto message,
         read_snapshot_page(dependencies_.store, dependencies_.catalog, client, page.place));
  LK_CHECK(answers_.finish_page(page, message, kLagWaitMax));
  message.deployment = dependencies_.keys.deployment_id();
  // The keys last: those of all the tokens that were read are there.
  LK_TRY(message.keys, keys_unless(keys));
  snapshot_pages_.fetch_add(1);
  return encode(message);
}

void FeedHub::changes(const service::ProvenClient& client, const Question& question, Told told) {
  const Ticks asked_at = dependencies_.clock.ticks();
  auto found = answers_.look_for(question, asked_at);
  if (!found && found.error().code == ErrorCode::feed_truncated) {
    truncated_.fetch_add(1);
    return told(std::move(found).error());
  }
  const auto until = std::chrono::steady_clock::now() + question.wait;
  bool is_taken = false;
  {
    const MutexLock lock(mutex_);
    is_taken = !stopped_ && waiters_.size() < kWaitersMax;
    if (is_taken) {
      waiters_.push_back({client, question, asked_at, until, std::move(told)});
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
      const auto level = dependencies_.log.level().value_or(FeedLog::Level());
      const std::string names = current_key_names();
      auto next = now + std::chrono::seconds(60);
      const auto is_behind = [&](const Waiter& waiter) {
        return level.position.revision < waiter.question.after.revision;
      };
      // A gate may come from a node that was ahead of this one, by milliseconds.
      const auto end_of = [&](const Waiter& waiter) {
        return is_behind(waiter) ? waiter.until + kLagWaitMax : waiter.until;
      };
      const auto is_left = [&](const Waiter& waiter) {
        const bool has_keys = is_behind(waiter) || waiter.question.keys == names;
        return has_keys && now < end_of(waiter) &&
               !answers_.has_news(waiter.question, waiter.asked_at);
      };
      const auto first = std::stable_partition(waiters_.begin(), waiters_.end(), is_left);
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
  const Question& question = waiter.question;
  LK_CHECK(answers_.look_for(question, waiter.asked_at));
  const bool is_shared = waiter.client.is_for_all();
  const std::string name = std::to_string(question.after.revision.number) + ' ' + question.keys;
  const auto found = is_shared ? cache.find(name) : cache.end();
  if (found != cache.end()) {
    const Milliseconds current_after = found->second.current_at - waiter.asked_at;
    return verify::with_current_after(found->second.text, current_after);
  }
  LK_TRY(verify::FeedMessage message,
         answers_.changes(question, waiter.asked_at, [&](core::OrganizationId organization) {
           return waiter.client.is_for(organization);
         }));
  message.deployment = dependencies_.keys.deployment_id();
  LK_TRY(message.keys, keys_unless(question.keys));
  std::string text = encode(message);
  if (is_shared && !message.keys) {
    cache.emplace(name, Shared{text, waiter.asked_at + message.current_after});
  }
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
