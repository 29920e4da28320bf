#include "app/row_signer.h"

#include <algorithm>

namespace latchkey::app {
namespace {

constexpr Milliseconds kRetryPause{1'000};
constexpr Milliseconds kIdlePause = std::chrono::hours(1);

}  // namespace

RowSigner::RowSigner(const RowSignerDependencies& dependencies) : dependencies_(dependencies) {
  progress_.is_running = has_old_key();
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

RowSigner::~RowSigner() {
  thread_.request_stop();
  thread_.join();
}

bool RowSigner::has_old_key() const { return dependencies_.keeper.row_keys().size() > 1; }

void RowSigner::wake() {
  {
    const MutexLock lock(mutex_);
    progress_.is_running = has_old_key();
  }
  const std::lock_guard<std::mutex> lock(pause_mutex_);
  is_awake_ = true;
  woken_.notify_all();
}

RowSigner::Progress RowSigner::progress() const {
  const MutexLock lock(mutex_);
  return progress_;
}

bool RowSigner::pause(const std::stop_token& stop, Milliseconds time) {
  std::unique_lock<std::mutex> lock(pause_mutex_);
  woken_.wait_for(lock, stop, time, [&] { return is_awake_.load(); });
  is_awake_ = false;
  return !stop.stop_requested();
}

void RowSigner::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    Milliseconds time = kIdlePause;
    if (has_old_key()) {
      const auto rotated = rotate(stop);
      if (!rotated) {
        dependencies_.log.error("keys.signing_failed", {{"code", error_name(rotated.error().code)},
                                                        {"message", rotated.error().message}});
        time = kRetryPause;
      }
      const MutexLock lock(mutex_);
      progress_.problem = rotated ? "" : rotated.error().message;
      progress_.is_running = has_old_key();
    }
    if (!pause(stop, time)) return;
  }
}

Result<void> RowSigner::rotate(const std::stop_token& stop) {
  uint64_t signed_rows = 1;
  while (signed_rows > 0 && !stop.stop_requested()) {
    LK_TRY(signed_rows, pass(stop));
    dependencies_.log.info("keys.rows_signed", {{"rows", static_cast<int64_t>(signed_rows)}});
  }
  if (stop.stop_requested()) return {};
  LK_CHECK(dependencies_.changes.resign_head(system_context()));
  return dependencies_.keeper.retire_old_row_keys(system_context());
}

Result<uint64_t> RowSigner::pass(const std::stop_token& stop) {
  LK_TRY(const uint64_t total, dependencies_.changes.count_signed_rows());
  {
    const MutexLock lock(mutex_);
    progress_.done = 0;
    progress_.total = total;
  }
  uint64_t resigned = 0;
  for (const store::SignedTable table : store::kSignedTables) {
    std::optional<store::RowPosition> after = store::RowPosition{};
    while (after && !stop.stop_requested()) {
      LK_TRY(const auto page, dependencies_.changes.resign_some(system_context(), table, *after));
      resigned += page.resigned;
      after = page.next;
      const MutexLock lock(mutex_);
      progress_.done = std::min(progress_.done + page.visited, total);
    }
  }
  return resigned;
}

}  // namespace latchkey::app
