#include "app/log_follower.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace latchkey::app {
namespace {

constexpr int kEventsPage = 1000;
constexpr size_t kAheadMax = 64;
// Pages of events that are held at most: who is further behind loads anew.
constexpr size_t kHeldMax = 256;

// Whether a view holds `known`: a standby may not, nor a primary that is none any more.
Result<void> check_view(const store::LogHead& view, const core::Event* at_known,
                        const store::LogHead& known) {
  const bool has_known =
      known.revision.number == 0 ||
      (at_known != nullptr && at_known->revision == known.revision && at_known->hash == known.hash);
  if (view.epoch == known.epoch && view.revision >= known.revision && has_known) return {};
  return Error(ErrorCode::store_unavailable, "the database answers from before what it told last");
}

// Whether an item can let nothing through that was not let through before.
struct OnlyRefuses {
  bool operator()(const verify::TokenItem& item) const {
    return item.state == core::TokenState::revoked;
  }
  bool operator()(const verify::RetiredDigestItem&) const { return true; }
  bool operator()(const verify::MembershipItem& item) const { return !item.active; }
  bool operator()(const verify::OrganizationItem& item) const { return !item.active; }
};

}  // namespace

Error LogFollower::another_history() {
  is_lost_ = true;
  return Error(ErrorCode::feed_truncated,
               "the event log is not a continuation of what was read of it: load it again");
}

void LogFollower::expect(const store::LogHead& head) {
  for (const store::LogHead& other : ahead_) {
    if (other.revision == head.revision && other.hash == head.hash) return;
  }
  ahead_.push_back(head);
}

Result<verify::Reached> LogFollower::load(const verify::Feed::Sink& sink) {
  const Ticks asked_at = clock_.ticks();
  LK_TRY(const store::LogHead head, source_.confirm_head());
  const auto check = [&](const store::LogHead& view, const core::Event* at_known) {
    at_ = told_ = view;
    return check_view(view, at_known, head);
  };
  is_lost_ = true;  // if the rest fails
  LK_CHECK(source_.give_all(head.revision, check, sink));
  ahead_.clear();
  held_.clear();
  confirmed_.assign(1, {asked_at, head.revision});
  // The view may go on past what was confirmed, and all of it must come true.
  LK_CHECK(confirm());
  is_lost_ = false;
  tell(sink);
  verify::Reached reached{told_.position(), current_at_, std::exchange(marks_, {})};
  reached.marks = {verify::mark_of(told_.hash)};
  return reached;
}

void LogFollower::resume(const store::LogHead& from, const store::LogHead& through) {
  at_ = told_ = from;
  ahead_.clear();
  if (through.revision > from.revision) expect(through);
  held_.clear();
  confirmed_.clear();
  marks_.clear();
  asked_at_ = current_at_ = {std::numeric_limits<int64_t>::min() / 2};  // never
  is_lost_ = false;
}

Result<verify::Reached> LogFollower::follow(const core::Position& after, Milliseconds wait,
                                            const verify::Feed::Sink& sink) {
  if (is_lost_ || !(after == told_.position())) return another_history();
  const auto age = [&] { return clock_.ticks() - asked_at_; };
  const auto wait_for_events =
      held_.empty() ? std::max(wait - age(), Milliseconds(0)) : wait.zero();
  std::vector<core::Event> events;
  if (held_.size() < kAheadMax) {
    LK_TRY(events, source_.events(at_.revision, kEventsPage, wait_for_events));
  }
  LK_CHECK(take(events));
  tell(sink);
  if (events.empty() || age() >= wait || !held_.empty() || ahead_.size() >= kAheadMax) {
    auto confirmed = confirm();
    tell(sink);
    // What was told counts, though nothing new confirms it.
    const bool has_told = !marks_.empty() && !is_lost_;
    if (!confirmed && !has_told) return std::move(confirmed).error();
  }
  return verify::Reached{told_.position(), current_at_, std::exchange(marks_, {})};
}

// Reads what `events` are about, and holds it.
Result<void> LogFollower::take(const std::vector<core::Event>& events) {
  if (events.empty()) return {};
  Held held;
  held.at = at_;
  for (const core::Event& event : events) {
    const bool follows =
        event.revision.number == held.at.revision.number + 1 && event.previous_hash == held.at.hash;
    if (!follows) return another_history();
    held.at.revision = event.revision;
    held.at.hash = event.hash;
    held.marks.push_back(verify::mark_of(event.hash));
    for (const store::LogHead& head : ahead_) {
      if (head.revision == event.revision && head.hash != event.hash) return another_history();
    }
  }
  const auto check = [&](const store::LogHead& view, const core::Event* at_known) -> Result<void> {
    if (view.epoch != held.at.epoch) return another_history();
    LK_CHECK(check_view(view, at_known, held.at));
    held.view = view.revision;
    expect(held.at);
    expect(view);
    return {};
  };
  LK_CHECK(source_.give_changes(events, check, [&](const verify::FeedItem& item) {
    held.only_refuses = held.only_refuses && std::visit(OnlyRefuses(), item);
    held.items.push_back(item);
  }));
  at_ = held.at;
  held_.push_back(std::move(held));
  return {};
}

// Gives what is held, as far as it may be believed; how current that is.
void LogFollower::tell(const verify::Feed::Sink& sink) {
  const core::Revision confirmed = confirmed_.empty() ? core::Revision() : confirmed_.back().head;
  size_t count = 0;
  for (const Held& held : held_) {
    if (!held.only_refuses && held.view > confirmed) break;
    for (const verify::FeedItem& item : held.items) sink(item);
    marks_.insert(marks_.end(), held.marks.begin(), held.marks.end());
    told_ = held.at;
    ++count;
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(count));
  // The latest confirmation of which all was told; those before it are of no use any more.
  size_t past = 0;
  for (size_t i = 0; i < confirmed_.size(); ++i) {
    if (confirmed_[i].head > told_.revision) break;
    current_at_ = confirmed_[i].asked_at;
    past = i;
  }
  confirmed_.erase(confirmed_.begin(), confirmed_.begin() + static_cast<ptrdiff_t>(past));
}

// Takes all that there was when this was called, as a primary confirms it.
Result<void> LogFollower::confirm() {
  const Ticks asked_at = clock_.ticks();
  LK_TRY(const store::LogHead head, source_.confirm_head());
  // What was seen before the question and is not there now was lost by a failover.
  bool is_lost = head.epoch != at_.epoch || head.revision < at_.revision ||
                 (head.revision == at_.revision && head.hash != at_.hash);
  for (const store::LogHead& seen : ahead_) is_lost |= head.revision < seen.revision;
  if (is_lost) return another_history();
  if (head.revision > at_.revision) expect(head);
  while (at_.revision < head.revision) {
    LK_TRY(const auto events, source_.events(at_.revision, kEventsPage, Milliseconds(0)));
    if (events.empty()) {
      return Error(ErrorCode::store_unavailable, "the event log ended before its head");
    }
    if (held_.size() >= kHeldMax) return another_history();
    LK_CHECK(take(events));
  }
  // All of that has come true.
  std::erase_if(ahead_, [&](const auto& seen) { return seen.revision <= head.revision; });
  asked_at_ = asked_at;
  confirmed_.push_back({asked_at, head.revision});
  if (confirmed_.size() > kAheadMax) confirmed_.erase(confirmed_.begin() + 1);
  return {};
}

}  // namespace latchkey::app
