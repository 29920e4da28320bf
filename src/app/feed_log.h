// The last changes of the index, kept in memory for gates that follow.
//
// What the server's own index follows is noted here, round by round, so a gate costs no read of the
// store, with the moment for which it is all that there was: a gate is told that too, so that it
// never takes itself for younger than this. The log is bounded: the oldest rounds are forgotten,
// and who is behind them loads a snapshot. Thread safety: any thread; a RecordingFeed as the feed
// that it wraps.
// Spec: docs/spec/feed.md.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "verify/feed.h"

namespace latchkey::app {

class FeedLog {
 public:
  using Items = std::vector<verify::FeedItem>;
  explicit FeedLog(size_t items_max = 200'000) : items_max_(items_max) {}

  // Called after each change of the log, without its lock.
  void on_change(std::function<void()> listener) { listener_ = std::move(listener); }

  // How far the log is, which is how far the server's own index is.
  struct Level {
    core::Position position;
    verify::EventMark mark = 0;  // of the event at `position`
    Ticks current_at;            // the log holds all that was acknowledged before
    uint64_t generation = 0;     // how often begin() was called
  };

  // Begins at `level`, but for its generation: nothing before it can be told.
  void begin(const Level& level);
  // Adds what changed up to `reached`, with the mark of each event since the level before.
  void append(const verify::Reached& reached, Ticks current_at, Items items);

  // Nothing before begin().
  std::optional<Level> level() const;
  enum class Knows {
    same,      // the event is in the log or is where it begins
    other,     // another event has the revision: of another history
    later,     // the log has not come so far
    forgotten  // the log begins later
  };
  Knows look_for(core::Revision revision, verify::EventMark mark) const;
  // The same, once the log has come so far or `wait_max` is over.
  Knows wait_for(core::Revision revision, verify::EventMark mark, Milliseconds wait_max) const;
  struct Part {
    core::Revision reached;
    verify::EventMark mark = 0;  // of the event at `reached`
    std::vector<std::shared_ptr<const Items>> rounds;
  };
  // The rounds after `after` up to `items_max` items; nothing if `after` lies before the log.
  std::optional<Part> after(core::Revision after, size_t items_max) const;

 private:
  struct Round {
    core::Revision reached;
    std::shared_ptr<const Items> items;
  };
  const size_t items_max_;
  std::function<void()> listener_;
  Knows look(core::Revision revision, verify::EventMark mark) const LK_REQUIRES(mutex_);
  void forget_before(core::Revision base) LK_REQUIRES(mutex_);

  mutable Mutex mutex_;
  mutable ConditionVariable appended_;
  core::Revision base_ LK_GUARDED_BY(mutex_);  // the log holds all that came after
  Level level_ LK_GUARDED_BY(mutex_);
  std::deque<verify::EventMark> marks_ LK_GUARDED_BY(mutex_);  // from that of base_ to the last
  std::deque<Round> rounds_ LK_GUARDED_BY(mutex_);
  size_t items_ LK_GUARDED_BY(mutex_) = 0;
};

// A feed that notes in a log what passes through it.
class RecordingFeed final : public verify::Feed {
 public:
  RecordingFeed(verify::Feed& inner, FeedLog& log, Clock& clock)
      : inner_(inner), log_(log), clock_(clock) {}
  Result<verify::Reached> load(const Sink& sink) override;
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const Sink& sink) override;

 private:
  verify::Feed& inner_;
  FeedLog& log_;
  Clock& clock_;
  // Of rounds that failed: the index has them, and the round that succeeds may not repeat them.
  FeedLog::Items pending_;
};

}  // namespace latchkey::app
