#include "app/feed_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "verify/feed_message.h"

namespace latchkey::app {

void FeedLog::begin(const Level& level) {
  {
    const MutexLock lock(mutex_);
    const uint64_t generation = level_.generation + 1;
    level_ = level;
    level_.generation = generation;
    base_ = level.position.revision;
    marks_.assign(1, level.mark);
    rounds_.clear();
    items_ = 0;
    appended_.notify_all();
  }
  if (listener_) listener_();
}

void FeedLog::append(const verify::Reached& reached, Ticks current_at, Items items) {
  {
    const MutexLock lock(mutex_);
    const core::Revision revision = reached.position.revision;
    level_.current_at = std::max(level_.current_at, current_at);
    LK_ASSERT(revision.number == level_.position.revision.number + reached.marks.size());
    level_.position.revision = revision;
    marks_.insert(marks_.end(), reached.marks.begin(), reached.marks.end());
    level_.mark = marks_.back();
    const size_t count = items.size();
    if (reached.marks.empty() && items.empty()) {
      // Nothing new, but known for a later moment.
    } else if (count > verify::kFeedMessageItemsMax) {
      // More than a message takes: everybody loads a snapshot.
      forget_before(revision);
      rounds_.clear();
      items_ = 0;
    } else {
      rounds_.push_back({revision, std::make_shared<const Items>(std::move(items))});
      items_ += count + 1;  // one for the round itself
      while (items_ > items_max_ && rounds_.size() > 1) {
        forget_before(rounds_.front().reached);
        items_ -= rounds_.front().items->size() + 1;
        rounds_.pop_front();
      }
    }
    appended_.notify_all();
  }
  if (listener_) listener_();
}

void FeedLog::forget_before(core::Revision base) {
  marks_.erase(marks_.begin(), marks_.begin() + static_cast<ptrdiff_t>(base.number - base_.number));
  base_ = base;
}

std::optional<FeedLog::Level> FeedLog::level() const {
  const MutexLock lock(mutex_);
  return level_.generation == 0 ? std::nullopt : std::optional(level_);
}

FeedLog::Knows FeedLog::look(core::Revision revision, verify::EventMark mark) const {
  if (level_.generation == 0 || revision > level_.position.revision) return Knows::later;
  if (revision < base_) return Knows::forgotten;
  return marks_[revision.number - base_.number] == mark ? Knows::same : Knows::other;
}

FeedLog::Knows FeedLog::look_for(core::Revision revision, verify::EventMark mark) const {
  const MutexLock lock(mutex_);
  return look(revision, mark);
}

FeedLog::Knows FeedLog::wait_for(core::Revision revision, verify::EventMark mark,
                                 Milliseconds wait_max) const {
  const auto deadline = std::chrono::steady_clock::now() + wait_max;
  const MutexLock lock(mutex_);
  while (true) {
    const Knows known = look(revision, mark);
    const auto left = deadline - std::chrono::steady_clock::now();
    if (known != Knows::later || left <= left.zero()) return known;
    (void)appended_.wait_for(mutex_, left);
  }
}

std::optional<FeedLog::Part> FeedLog::after(core::Revision after, size_t items_max) const {
  const MutexLock lock(mutex_);
  if (after < base_) return std::nullopt;
  Part part{after, 0, {}};
  size_t items = 0;
  for (const Round& round : rounds_) {
    if (round.reached <= after) continue;
    items += round.items->size();
    if (items > items_max && !part.rounds.empty()) break;
    part.rounds.push_back(round.items);
    part.reached = round.reached;
  }
  if (part.reached <= level_.position.revision) {
    part.mark = marks_[part.reached.number - base_.number];
  }
  return part;
}

Result<verify::Reached> RecordingFeed::load(const Sink& sink) {
  const Ticks asked_at = clock_.ticks();
  LK_TRY(const verify::Reached reached, inner_.load(sink));
  pending_.clear();
  log_.begin({reached.position, reached.marks.empty() ? 0 : reached.marks.back(),
              reached.current_at.value_or(asked_at)});
  return reached;
}

Result<verify::Reached> RecordingFeed::follow(const core::Position& after, Milliseconds wait,
                                              const Sink& sink) {
  const Ticks asked_at = clock_.ticks();
  LK_TRY(const verify::Reached reached,
         inner_.follow(after, wait, [&](const verify::FeedItem& item) {
           sink(item);
           // One more than a message takes is as good as all.
           if (pending_.size() <= verify::kFeedMessageItemsMax) pending_.push_back(item);
         }));
  log_.append(reached, reached.current_at.value_or(asked_at), std::exchange(pending_, {}));
  return reached;
}

}  // namespace latchkey::app
