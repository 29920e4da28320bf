// Follows the event log of a database that may answer from the past, or from another history.
//
// With several nodes the answers are believed as far as they can be: every event follows the one
// before it by its hash, rows are read in views that hold the events they are read for, and what a
// view showed ahead of them must come true. Only what a primary confirmed, counted from when it was
// asked, makes an index current. Whatever does not fit is told as feed_truncated: all is loaded
// anew. It reads no row itself, so that a simulation follows by the same rules.
// Thread safety: one thread. Spec: docs/spec/verification.md (Many nodes).
#pragma once

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
  // Gives all rows, or those that `events` are about, from one view that holds `known` (see
  // look_at_view), and returns the head of the log in that view. Errors: those of a read.
  virtual Result<store::LogHead> give_all(const store::LogHead& known,
                                          const verify::Feed::Sink& sink) = 0;
  virtual Result<store::LogHead> give_changes(const std::vector<core::Event>& events,
                                              const store::LogHead& known,
                                              const verify::Feed::Sink& sink) = 0;
};

// The head of a view of which `stored` is the head and `at_known` the event at the revision of
// `known`, if there is one. Errors: store_unavailable (it does not hold `known`: a standby answers
// so, and a primary that is none any more); feed_truncated (it is of another epoch).
Result<store::LogHead> look_at_view(const store::LogHead& stored, const core::Event* at_known,
                                    const store::LogHead& known);

class LogFollower {
 public:
  LogFollower(LogSource& source, Clock& clock) : source_(source), clock_(clock) {}

  // As those of verify::Feed. follow() asks for a confirmation once in `wait` and whenever nothing
  // came, so that changes need none each.
  Result<verify::Reached> load(const verify::Feed::Sink& sink);
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const verify::Feed::Sink& sink);

 private:
  struct Progress {
    store::LogHead at;
    std::vector<store::LogHead> ahead;  // what views showed, and is still to come true
    std::vector<verify::EventMark> marks;
    Ticks confirmed_at;
  };
  Result<void> take(const std::vector<core::Event>& events, Progress& progress,
                    const verify::Feed::Sink& sink);
  Result<void> confirm(Progress& progress, const verify::Feed::Sink& sink);

  LogSource& source_;
  Clock& clock_;
  Progress progress_;
};

}  // namespace latchkey::app
