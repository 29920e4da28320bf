#include "app/background.h"

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
constexpr size_t kUsageBatch = 1000;  // tokens of one transaction

void log_failure(Log& log, std::string_view event, const Error& error) {
  log.error(event, {{"code", error_name(error.code)}, {"message", error.message}});
}

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
    log_failure(dependencies_.log, "last_use.flush_failed", flushed.error());
  }
  flush_usage();
}

bool Background::pause(std::stop_token stop, Milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  woken_.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
  return !stop.stop_requested();
}

void Background::follow(std::stop_token stop) {
  // Returns only when asked to, or when the index must not go on: then it grows stale and refuses.
  if (auto followed = dependencies_.verifier.follow(dependencies_.feed, stop); !followed) {
    log_failure(dependencies_.log, "index.ended", followed.error());
  }
}

void Background::notify(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto stepped = dependencies_.notifier.step(kNotifierWait);
    if (stepped) continue;
    log_failure(dependencies_.log, "notifier.failed", stepped.error());
    if (!pause(stop, kRetryPause)) return;
  }
}

void Background::keep_house(std::stop_token stop) {
  for (int round = 0;; ++round) {
    dependencies_.idempotency.forget_secrets();
    if (round % kClearUpEvery == 0) clear_up();
    if (auto flushed = dependencies_.last_use.flush(dependencies_.store); !flushed) {
      log_failure(dependencies_.log, "last_use.flush_failed", flushed.error());
    }
    flush_usage();
    const auto count = [&](store::ReadTx& tx) -> Result<void> {
      const Instant end{std::numeric_limits<int64_t>::max()};
      LK_TRY(const auto mails, store::list_due_mails(tx, end, kUnsentCountMax));
      mails_unsent_ = mails.size();
      return {};
    };
    if (auto counted = dependencies_.store.read(count); !counted) {
      log_failure(dependencies_.log, "outbox.count_failed", counted.error());
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
    return log_failure(dependencies_.log, "usage.flush_failed", added.error());
  }
}

void Background::clear_up() {
  if (auto cleared = service::clear_up(dependencies_.store, dependencies_.clock.now()); !cleared) {
    log_failure(dependencies_.log, "store.clear_up_failed", cleared.error());
  }
  if (auto cleared = dependencies_.usage.clear_up(); !cleared) {
    log_failure(dependencies_.log, "usage.clear_up_failed", cleared.error());
  }
  if (auto forgotten = dependencies_.idempotency.forget_keys(); !forgotten) {
    log_failure(dependencies_.log, "idempotency.clear_up_failed", forgotten.error());
  }
}

}  // namespace latchkey::app
