#include "app/snapshot_keeper.h"

#include <algorithm>

namespace latchkey::app {
namespace {

constexpr Milliseconds kLookInterval = std::chrono::seconds(5);
constexpr Milliseconds kWriteInterval = std::chrono::minutes(1);
// Following an event takes some twenty times as long as reading an entry: at one event for 200
// entries a start takes a tenth longer than without any.
constexpr uint64_t kEventsMin = 1'000;
constexpr uint64_t kTokensForEvent = 200;

}  // namespace

SnapshotKeeper::SnapshotKeeper(IndexSnapshot& snapshot, const verify::Verifier& verifier, Log& log,
                               bool was_used)
    : snapshot_(snapshot),
      verifier_(verifier),
      log_(log),
      was_used_(was_used),
      revision_(snapshot.revision().number),
      thread_([this](std::stop_token stop) { run(stop); }) {}

void SnapshotKeeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

SnapshotCounters SnapshotKeeper::counters() const {
  return {revision_.load(), written_.load(), failed_.load(), was_used_};
}

bool SnapshotKeeper::pause(std::stop_token stop, Milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  woken_.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
  return !stop.stop_requested();
}

void SnapshotKeeper::run(std::stop_token stop) {
  while (pause(stop, kLookInterval)) {
    const auto status = verifier_.status();
    const uint64_t events =
        status.revision.number - std::min(status.revision.number, revision_.load());
    if (!status.loaded || events < std::max(kEventsMin, status.tokens / kTokensForEvent)) continue;
    write([&](Milliseconds took) { return pause(stop, took); });
    if (!pause(stop, kWriteInterval)) return;
  }
}

void SnapshotKeeper::write_last() {
  const auto status = verifier_.status();
  if (!status.loaded || status.revision.number == revision_.load()) return;
  write([](Milliseconds) { return true; });
}

void SnapshotKeeper::write(const std::function<bool(Milliseconds)>& rest) {
  const auto written = snapshot_.write(rest);
  if (written) {
    written_.fetch_add(1);
    revision_ = snapshot_.revision().number;
    return;
  }
  failed_.fetch_add(1);
  log_.warning("index.snapshot_not_written",
               {{"code", error_name(written.error().code)}, {"message", written.error().message}});
}

}  // namespace latchkey::app
