#include "verify/message_feed.h"

#include <algorithm>
#include <string>

namespace latchkey::verify {
namespace {

constexpr size_t kPagesMax = 1'000'000;

}  // namespace

Error another_server() {
  return Error(ErrorCode::request_malformed, "What answers is no Latchkey server of this release.");
}

Ticks MessageFeed::current_at(const FeedMessage& message, Ticks sent) const {
  // The question came after it was sent, so this is never later than it was.
  return std::min(sent + message.current_after, clock_.ticks());
}

void MessageFeed::Seen::include(const FeedMessage& message) {
  if (message.position.revision < revision) return;
  revision = message.position.revision;
  mark = message.mark;
}

Result<Reached> MessageFeed::load(const Sink& sink) {
  Reached reached;
  std::string next;
  Seen seen;
  for (size_t page = 0; page < kPagesMax; ++page) {
    const Ticks sent = clock_.ticks();
    LK_TRY(const FeedMessage message, ask_snapshot(next));
    if (message.keys) take_keys(*message.keys);
    // The position of the first page counts: what came later is newer than it.
    if (page == 0) {
      reached.position = message.position;
      reached.current_at = current_at(message, sent);
    }
    if (message.position.epoch != reached.position.epoch ||
        message.position.revision < reached.position.revision) {
      return Error(ErrorCode::store_unavailable, "The server went back meanwhile.");
    }
    seen.include(message);
    for (const FeedItem& item : message.items) sink(item);
    if (message.next.empty()) {
      seen_ = seen;
      return reached;
    }
    if (message.next == next) return another_server();
    next = message.next;
  }
  return another_server();
}

Result<Reached> MessageFeed::follow(const core::Position& after, Milliseconds wait,
                                    const Sink& sink) {
  core::Position position = after;
  for (size_t part = 0; part < kPagesMax; ++part) {
    const Ticks sent = clock_.ticks();
    LK_TRY(const FeedMessage message, ask_changes({position, seen_, wait}));
    if (message.position.epoch != after.epoch) return Error(ErrorCode::feed_truncated);
    const bool goes_on = message.position.revision > position.revision;
    if (message.position.revision < position.revision || (message.more && !goes_on)) {
      return another_server();
    }
    // Before the items: a token may have been made with a key that is new.
    if (message.keys) take_keys(*message.keys);
    for (const FeedItem& item : message.items) sink(item);
    position = message.position;
    seen_.include(message);
    // A part alone says nothing about the moment at which was asked.
    if (!message.more) return Reached{position, current_at(message, sent)};
    wait = Milliseconds(0);
  }
  return another_server();
}

}  // namespace latchkey::verify
