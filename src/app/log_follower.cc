#include "app/log_follower.h"

#include <algorithm>
#include <utility>

namespace latchkey::app {
namespace {

constexpr int kEventsPage = 1000;
constexpr size_t kAheadMax = 64;

Error another_history() {
  return Error(ErrorCode::feed_truncated,
               "the event log is not a continuation of what was read of it: load it again");
}

}  // namespace

Result<store::LogHead> look_at_view(const store::LogHead& stored, const core::Event* at_known,
                                    const store::LogHead& known) {
  if (stored.epoch != known.epoch) return another_history();
  const bool has_known =
      known.revision.number == 0 ||
      (at_known != nullptr && at_known->revision == known.revision && at_known->hash == known.hash);
  if (stored.revision >= known.revision && has_known) return stored;
  return Error(ErrorCode::store_unavailable, "the database answers from before what it told last");
}

Result<verify::Reached> LogFollower::load(const verify::Feed::Sink& sink) {
  Progress progress;
  progress.confirmed_at = clock_.ticks();
  LK_TRY(const store::LogHead head, source_.confirm_head());
  LK_TRY(progress.at, source_.give_all(head, sink));
  progress_ = progress;
  return verify::Reached{
      progress.at.position(), progress.confirmed_at, {verify::mark_of(progress.at.hash)}};
}

Result<verify::Reached> LogFollower::follow(const core::Position& after, Milliseconds wait,
                                            const verify::Feed::Sink& sink) {
  if (!(after == progress_.at.position())) return another_history();
  const auto age = [&] { return clock_.ticks() - progress_.confirmed_at; };
  const Milliseconds wait_for_events = std::max(wait - age(), Milliseconds(0));
  LK_TRY(const auto events, source_.events(after.revision, kEventsPage, wait_for_events));
  Progress progress = progress_;
  LK_CHECK(take(events, progress, sink));
  if (events.empty() || age() >= wait || progress.ahead.size() >= kAheadMax) {
    LK_CHECK(confirm(progress, sink));
  }
  verify::Reached reached{progress.at.position(), progress.confirmed_at,
                          std::exchange(progress.marks, {})};
  progress_ = std::move(progress);
  return reached;
}

// Gives what `events` are about.
Result<void> LogFollower::take(const std::vector<core::Event>& events, Progress& progress,
                               const verify::Feed::Sink& sink) {
  if (events.empty()) return {};
  for (const core::Event& event : events) {
    const bool follows = event.revision.number == progress.at.revision.number + 1 &&
                         event.previous_hash == progress.at.hash;
    if (!follows) return another_history();
    progress.at.revision = event.revision;
    progress.at.hash = event.hash;
    progress.marks.push_back(verify::mark_of(event.hash));
    for (const store::LogHead& head : progress.ahead) {
      if (head.revision == event.revision && head.hash != event.hash) return another_history();
    }
    std::erase_if(progress.ahead,
                  [&](const auto& head) { return head.revision <= event.revision; });
  }
  LK_TRY(const store::LogHead view, source_.give_changes(events, progress.at, sink));
  if (view.revision > progress.at.revision) progress.ahead.push_back(view);
  return {};
}

// Gives all that there was when this was called, as a primary confirms it.
Result<void> LogFollower::confirm(Progress& progress, const verify::Feed::Sink& sink) {
  const Ticks asked_at = clock_.ticks();
  LK_TRY(const store::LogHead head, source_.confirm_head());
  // What was seen before the question and is not there now was lost by a failover.
  bool is_lost = head.epoch != progress.at.epoch || head.revision < progress.at.revision ||
                 (head.revision == progress.at.revision && head.hash != progress.at.hash);
  for (const store::LogHead& view : progress.ahead) is_lost |= head.revision < view.revision;
  if (is_lost) return another_history();
  if (head.revision > progress.at.revision) progress.ahead.push_back(head);
  while (progress.at.revision < head.revision) {
    LK_TRY(const auto events, source_.events(progress.at.revision, kEventsPage, Milliseconds(0)));
    if (events.empty()) {
      return Error(ErrorCode::store_unavailable, "the event log ended before its head");
    }
    LK_CHECK(take(events, progress, sink));
  }
  progress.confirmed_at = asked_at;
  return {};
}

}  // namespace latchkey::app
