// Follows the event log of a database that may answer from the past, or from another history.
//
// With several nodes the answers are believed as far as they can be: every event follows the one
// before it by its hash, rows are read in views that hold the events they are read for, and what
// may let something through is told once a primary has confirmed all that its view showed. Only
// what a primary confirmed, counted from when it was asked, makes an index current. Whatever does
// not fit is told as feed_truncated: all is loaded anew. It reads no row itself, so that a
// simulation follows by the same rules. Thread safety: one thread. Spec: docs/spec/verification.md.
#pragma once

#include <functional>
#include <vector>

#include "base/clock.h"
#include "store/store.h"
#include "verify/feed.h"

namespace latchkey::app {

// What is followed: the log of a database, and the rows that its events are about.
class LogSource {
 public:
  virtual ~LogSource() = default;
  // As those of store::Store.
  virtual Result<store::LogHead> confirm_head() = 0;
  virtual Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                                  Milliseconds wait) = 0;
  // Is told the head of a view and its event at the revision of `known`, if there is one. Errors:
  // the view is not to be believed.
  using CheckView = std::function<Result<void>(const store::LogHead&, const core::Event*)>;
  // Gives all rows, or those that `events` are about, from one view; asks `check` before anything
  // of it is given. Errors: those of `check` and of a read.
  virtual Result<void> give_all(core::Revision known, const CheckView& check,
                                const verify::Feed::Sink& sink) = 0;
  // `known` is the revision of the last event.
  virtual Result<void> give_changes(const std::vector<core::Event>& events, const CheckView& check,
                                    const verify::Feed::Sink& sink) = 0;
};

class LogFollower {
 public:
  LogFollower(LogSource& source, Clock& clock) : source_(source), clock_(clock) {}

  // In the place of load(), for who has all up to `from` and nothing beyond `through` already.
  void resume(const store::LogHead& from, const store::LogHead& through);
  // As those of verify::Feed. follow() asks for a confirmation once in `wait`, whenever nothing
  // came, and for each round of changes that may let something through; those that only refuse are
  // told at once.
  Result<verify::Reached> load(const verify::Feed::Sink& sink);
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const verify::Feed::Sink& sink);

 private:
  // What was read and not yet told.
  struct Held {
    store::LogHead at;    // after its events
    core::Revision view;  // that its rows may show
    std::vector<verify::EventMark> marks;
    std::vector<verify::FeedItem> items;
    bool only_refuses = true;
  };
  struct Confirmed {
    Ticks asked_at;
    core::Revision head;
  };
  Error another_history();
  // Notes that rows as of `head` were read, also if what comes after that fails.
  void expect(const store::LogHead& head);
  Result<void> take(const std::vector<core::Event>& events);
  Result<void> confirm();
  void tell(const verify::Feed::Sink& sink);

  LogSource& source_;
  Clock& clock_;
  store::LogHead at_;                     // read up to here
  store::LogHead told_;                   // given up to here
  std::vector<verify::EventMark> marks_;  // of what was told since follow() returned
  std::vector<Held> held_;
  std::vector<Confirmed> confirmed_;   // oldest first; the first is the one that was last told
  std::vector<store::LogHead> ahead_;  // what was read shows it, and it is still to come true
  Ticks asked_at_;                     // of the last confirmation
  Ticks current_at_;
  bool is_lost_ = true;  // until all is loaded
};

}  // namespace latchkey::app
