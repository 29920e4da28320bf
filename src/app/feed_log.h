// The last changes of the index, kept in memory for gates that follow.
//
// What the server's own index follows is noted here, round by round, so a gate costs no read of the
// store. The log is bounded: the oldest rounds are forgotten, and who is behind them loads a
// snapshot. Thread safety: any thread; a RecordingFeed as the feed that it wraps.
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

  // Begins at `position`: nothing before it can be told.
  void begin(const core::Position& position);
  // Adds what changed up to `reached`.
  void append(core::Revision reached, Items items);

  // How far the log is, which is how far the server's own index is.
  core::Position reached() const;
  struct Part {
    core::Revision reached;
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
  mutable Mutex mutex_;
  core::Position base_ LK_GUARDED_BY(mutex_);  // the log holds all that came after
  core::Revision reached_ LK_GUARDED_BY(mutex_);
  std::deque<Round> rounds_ LK_GUARDED_BY(mutex_);
  size_t items_ LK_GUARDED_BY(mutex_) = 0;
};

// A feed that notes in a log what passes through it.
class RecordingFeed final : public verify::Feed {
 public:
  RecordingFeed(verify::Feed& inner, FeedLog& log) : inner_(inner), log_(log) {}
  Result<core::Position> load(const Sink& sink) override;
  Result<core::Position> follow(const core::Position& after, Milliseconds wait,
                                const Sink& sink) override;

 private:
  verify::Feed& inner_;
  FeedLog& log_;
};

}  // namespace latchkey::app
