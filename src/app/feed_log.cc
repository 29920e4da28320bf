#include "app/feed_log.h"

#include <utility>

#include "verify/feed_message.h"

namespace latchkey::app {

void FeedLog::begin(const core::Position& position) {
  {
    const MutexLock lock(mutex_);
    base_ = position;
    reached_ = position.revision;
    rounds_.clear();
    items_ = 0;
  }
  if (listener_) listener_();
}

void FeedLog::append(core::Revision reached, Items items) {
  {
    const MutexLock lock(mutex_);
    if (reached <= reached_ && items.empty()) return;
    reached_ = reached;
    const size_t count = items.size();
    if (count > verify::kFeedMessageItemsMax) {
      // More than a message takes: everybody loads a snapshot.
      base_.revision = reached;
      rounds_.clear();
      items_ = 0;
    } else {
      rounds_.push_back({reached, std::make_shared<const Items>(std::move(items))});
      items_ += count + 1;  // one for the round itself
      while (items_ > items_max_ && rounds_.size() > 1) {
        base_.revision = rounds_.front().reached;
        items_ -= rounds_.front().items->size() + 1;
        rounds_.pop_front();
      }
    }
  }
  if (listener_) listener_();
}

core::Position FeedLog::reached() const {
  const MutexLock lock(mutex_);
  return {base_.epoch, reached_};
}

std::optional<FeedLog::Part> FeedLog::after(core::Revision after, size_t items_max) const {
  const MutexLock lock(mutex_);
  if (after < base_.revision) return std::nullopt;
  Part part{after, {}};
  size_t items = 0;
  for (const Round& round : rounds_) {
    if (round.reached <= after) continue;
    items += round.items->size();
    if (items > items_max && !part.rounds.empty()) return part;
    part.rounds.push_back(round.items);
    part.reached = round.reached;
  }
  return part;
}

Result<core::Position> RecordingFeed::load(const Sink& sink) {
  LK_TRY(const core::Position position, inner_.load(sink));
  log_.begin(position);
  return position;
}

Result<core::Position> RecordingFeed::follow(const core::Position& after, Milliseconds wait,
                                             const Sink& sink) {
  FeedLog::Items items;
  LK_TRY(const core::Position reached,
         inner_.follow(after, wait, [&](const verify::FeedItem& item) {
           sink(item);
           items.push_back(item);
         }));
  log_.append(reached.revision, std::move(items));
  return reached;
}

}  // namespace latchkey::app
