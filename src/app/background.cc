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

void Background::clear_up() {
  if (auto cleared = service::clear_up(dependencies_.store, dependencies_.clock.now()); !cleared) {
    log_failure(dependencies_.log, "store.clear_up_failed", cleared.error());
  }
  if (auto forgotten = dependencies_.idempotency.forget_keys(); !forgotten) {
    log_failure(dependencies_.log, "idempotency.clear_up_failed", forgotten.error());
  }
}

}  // namespace latchkey::app
