// A feed of messages: what a gate believes of what servers tell it, whichever way they come.
//
// load() takes a snapshot page by page, follow() what changed since. A message is as old as the
// server's own index was, counted from when the question was sent, so that a gate is never younger
// than the truth; what it has seen goes along with each question, so that a server of another
// history tells it to load anew. Keys come before the items that need them, and a message is
// applied as a whole or not at all. Thread safety: one thread. Spec: docs/spec/feed.md.
#pragma once

#include <string>

#include "base/clock.h"
#include "verify/feed.h"
#include "verify/feed_message.h"

namespace latchkey::verify {

// Errors: request_malformed.
Error another_server();

class MessageFeed : public Feed {
 public:
  // `clock` outlives the feed.
  explicit MessageFeed(Clock& clock) : clock_(clock) {}

  Result<Reached> load(const Sink& sink) override;
  Result<Reached> follow(const core::Position& after, Milliseconds wait, const Sink& sink) override;

 protected:
  // The last event that what was given may show.
  struct Seen {
    core::Revision revision;
    EventMark mark = 0;
    void include(const FeedMessage& message);
  };
  struct Question {
    core::Position after;
    Seen seen;
    Milliseconds wait{0};
  };
  // The page at `cursor` (empty: the first). Errors: those of load().
  virtual Result<FeedMessage> ask_snapshot(const std::string& cursor) = 0;
  // Errors: those of follow().
  virtual Result<FeedMessage> ask_changes(const Question& question) = 0;
  virtual void take_keys(const FeedKeys& keys) = 0;

 private:
  // When what `message` says was all that there was; the question was sent at `sent`.
  Ticks current_at(const FeedMessage& message, Ticks sent) const;

  Clock& clock_;
  Seen seen_;
};

}  // namespace latchkey::verify
