// A message of the feed is read as a whole or refused, and what was read has one text.
#include "target.h"
#include "verify/feed_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::verify;
  const std::string_view bytes = latchkey::fuzz::as_text(data, size);
  const auto message = decode_feed_message(bytes);
  if (!message) return 0;
  LK_ASSERT(message->items.size() <= kFeedMessageItemsMax);
  LK_ASSERT(message->next.size() <= kFeedCursorMax);
  // Tables may have been sent in another order, or with what nothing refers to.
  const std::string written = encode(*message);
  LK_ASSERT(written.size() <= bytes.size());
  const auto again = decode_feed_message(written);
  LK_ASSERT(again && encode(*again) == written);
  LK_ASSERT(again->items.size() == message->items.size());
  LK_ASSERT(again->position == message->position);
  // One byte less is never whole.
  LK_ASSERT(!decode_feed_message(bytes.substr(0, bytes.size() - 1)));
  return 0;
}
