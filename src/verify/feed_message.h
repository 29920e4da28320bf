// The change feed between a server and its gates, as bytes.
//
// A message holds what a gate is to know and the position that it knows it for. It is read as a
// whole or refused: nothing of one that breaks a rule is ever applied. Numbers are big-endian, each
// list begins with its count, and organizations and scope sets stand once and are referred to.
// Thread safety: values and pure functions. Spec: docs/spec/feed.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "core/ids.h"
#include "core/token_text.h"
#include "verify/feed.h"

namespace latchkey::verify {

inline constexpr std::string_view kFeedMessageType = "application/vnd.latchkey.feed";
inline constexpr uint8_t kFeedMessageVersion = 2;
inline constexpr size_t kFeedMessageBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kFeedMessageItemsMax = 100'000;
inline constexpr size_t kFeedKeysMax = 64;
inline constexpr size_t kFeedCursorMax = 96;    // bytes
inline constexpr size_t kFeedNameKeyMax = 255;  // bytes

// What a gate needs to compute and judge a digest. Secret.
struct FeedKeys {
  core::ProviderSignature provider = core::ProviderSignature::standard();
  Milliseconds staleness_max{0};  // what the server itself goes by: a hint
  core::DigestKeyId current;
  std::vector<std::pair<core::DigestKeyId, SecretKey>> keys;
};

// Which keys there are, without a byte of one: "AB:AA.AB".
std::string name_keys(core::DigestKeyId current, const std::vector<core::DigestKeyId>& ids);
std::string name_keys(const FeedKeys& keys);

struct FeedMessage {
  Uuid deployment;
  core::Position position;
  EventMark mark = 0;  // of the event at `position`
  // When `position` was all that there was, counted from when the question came; negative: before.
  Milliseconds current_after{0};
  std::optional<FeedKeys> keys;
  std::string next;   // of a snapshot: where the next page begins; empty after the last
  bool more = false;  // of changes: there are more, so the position is not current
  std::vector<FeedItem> items;
};

// REQUIRES: within the bounds above. The text holds keys if the message does: wipe it.
std::string encode(const FeedMessage& message);
// The same message for who asked at another moment. REQUIRES: `encoded` is what encode() gave.
std::string with_current_after(std::string encoded, Milliseconds current_after);
// Errors: request_malformed, naming the rule that is broken; never what was sent.
Result<FeedMessage> decode_feed_message(std::string_view bytes);

}  // namespace latchkey::verify
