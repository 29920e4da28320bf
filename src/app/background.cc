#include "app/background.h"

#include <algorithm>
#include <limits>

#include "service/housekeeping.h"
#include "store/mail_rows.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kNotifierWait{1000};
constexpr Milliseconds kRetryPause{1000};
constexpr Milliseconds kFlushInterval{10'000};
constexpr int kClearUpEvery = 60;  // flushes
constexpr int kUnsentCountMax = 1000;
constexpr Milliseconds kNextTryMax = std::chrono::days(7);  // else there is none
constexpr size_t kUsageBatch = 1000;                        // tokens of one transaction

}  // namespace

Background::Background(const BackgroundDependencies& dependencies) : dependencies_(dependencies) {
  threads_.emplace_back([this](std::stop_token stop) { follow(stop); });
  threads_.emplace_back([this](std::stop_token stop) { notify(stop); });
  threads_.emplace_back([this](std::stop_token stop) { keep_house(stop); });
}

Background::~Background() {
  for (std::jthread& thread : threads_) thread.request_stop();
  dependencies_.store.interrupt();
  threads_.clear();
  if (auto flushed = dependencies_.last_use.flush(dependencies_.store); !flushed) {
    note_failure("last_use.flush_failed", flushed.error());
  }
  flush_usage();
}

void Background::note_failure(std::string_view event, const Error& error) {
  failures_.fetch_add(1, std::memory_order_relaxed);
  dependencies_.log.error(event, {{"code", error_name(error.code)}, {"message", error.message}});
}

bool Background::pause(std::stop_token stop, Milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  woken_.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
  return !stop.stop_requested();
}

void Background::follow(std::stop_token stop) {
  // Returns only when asked to, or when the index must not go on: then it grows stale and refuses.
  if (auto followed = dependencies_.verifier.follow(dependencies_.feed, stop); !followed) {
    note_failure("index.ended", followed.error());
  }
}

void Background::notify(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto stepped = dependencies_.notifier.step(kNotifierWait);
    if (stepped) continue;
    note_failure("notifier.failed", stepped.error());
    if (!pause(stop, kRetryPause)) return;
  }
}

void Background::keep_house(std::stop_token stop) {
  for (int round = 0;; ++round) {
    dependencies_.idempotency.forget_secrets();
    if (round % kClearUpEvery == 0) clear_up();
    if (auto flushed = dependencies_.last_use.flush(dependencies_.store); !flushed) {
      note_failure("last_use.flush_failed", flushed.error());
    }
    flush_usage();
    const auto count = [&](store::ReadTx& tx) -> Result<void> {
      const Instant end{std::numeric_limits<int64_t>::max()};
      LK_TRY(const auto mails, store::list_due_mails(tx, end, kUnsentCountMax));
      const Instant soon = dependencies_.clock.now() + kNextTryMax;
      const auto given_up = std::count_if(mails.begin(), mails.end(), [&](const auto& mail) {
        return mail.next_attempt_at > soon;
      });
      mails_given_up_ = static_cast<uint64_t>(given_up);
      mails_unsent_ = mails.size() - static_cast<uint64_t>(given_up);
      return {};
    };
    if (auto counted = dependencies_.store.read(count); !counted) {
      note_failure("outbox.count_failed", counted.error());
    }
    if (!pause(stop, kFlushInterval)) return;
  }
}

// The last uses are written by their own recorder, which also knows those that are not yet.
void Background::flush_usage() {
  while (true) {
    const auto batch = dependencies_.usage_recorder.take(kUsageBatch);
    if (batch.empty()) return;
    std::vector<service::CountedUse> uses;
    for (const gate::TokenUsage& usage : batch) {
      service::CountedUse& use = uses.emplace_back();
      use.token = usage.token;
      for (const gate::UsageDay& day : usage.days) {
        use.days.push_back({day.day, day.allowed, day.refused});
      }
    }
    const auto added = dependencies_.usage.add(uses);
    if (added) continue;
    dependencies_.usage_recorder.give_back(batch);
    return note_failure("usage.flush_failed", added.error());
  }
}

void Background::clear_up() {
  if (auto cleared = service::clear_up(dependencies_.store, dependencies_.clock.now()); !cleared) {
    note_failure("store.clear_up_failed", cleared.error());
  }
  if (auto cleared = dependencies_.usage.clear_up(); !cleared) {
    note_failure("usage.clear_up_failed", cleared.error());
  }
  if (auto forgotten = dependencies_.idempotency.forget_keys(); !forgotten) {
    note_failure("idempotency.clear_up_failed", forgotten.error());
  }
}

}  // namespace latchkey::app
