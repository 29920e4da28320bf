// What keeps an index current: a snapshot, then changes in revision order.
//
// Items say how things are now, not what was done to them, so applying one twice does no harm and
// an item may be newer than the revision it came with, never older. The checks of integrity (row
// MACs) happen before an item enters a feed. Thread safety: as of the implementation. Spec:
// docs/spec/verification.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/result.h"
#include "core/ids.h"
#include "core/scope.h"
#include "core/token.h"

namespace latchkey::verify {

struct TokenItem {
  core::TokenId id;
  core::OrganizationId organization;
  core::PersonId owner;
  Digest digest{};
  core::ScopeSet scopes;  // closed over implication
  Instant valid_to;
  core::TokenState state = core::TokenState::live;
};

// A digest that a regeneration replaced: whoever presents its text is told so.
struct RetiredDigestItem {
  core::TokenId token;
  core::OrganizationId organization;
  core::PersonId owner;
  Digest digest{};
};

// Whether the tokens of `person` in `organization` work, and how far. Inactive when the person is
// disabled, the membership ended or the organization deleted.
struct MembershipItem {
  core::OrganizationId organization;
  core::PersonId person;
  bool active = false;
  core::ScopeSet mask;
};

// A name by which requests call an organization; inactive names are forgotten.
struct OrganizationItem {
  core::OrganizationId organization;
  std::string name_key;
  bool active = false;
};

using FeedItem = std::variant<TokenItem, RetiredDigestItem, MembershipItem, OrganizationItem>;

// The first 8 bytes of an event's hash: what tells two events apart that bear one revision, after a
// failover that lost changes.
using EventMark = uint64_t;
inline EventMark mark_of(const Digest& hash) {
  EventMark mark = 0;
  for (size_t i = 0; i < sizeof mark; ++i) mark = mark << 8 | hash[i];
  return mark;
}

// How far a feed came, and for which moment that is all that there was.
struct Reached {
  core::Position position;
  // All that was acknowledged before this moment was given; nothing: before the call was made.
  std::optional<Ticks> current_at = std::nullopt;
  // Of the last events up to `position`, in order: of each that follow() told of, of the last that
  // load() did. Empty: the feed knows none.
  std::vector<EventMark> marks = {};
};

class Feed {
 public:
  virtual ~Feed() = default;

  using Sink = std::function<void(const FeedItem&)>;
  // Gives everything there is to `sink` and returns the position that it stands for.
  // Errors: store_unavailable, integrity_violated.
  virtual Result<Reached> load(const Sink& sink) = 0;
  // Gives what changed after `after` to `sink`, waiting up to `wait` for something, and returns the
  // position reached (`after` when nothing happened), which is of the same epoch. A return without
  // error confirms that the index was current at the moment that it names. Errors: feed_truncated
  // (this revision is not here any more, or `after` is of another epoch or history: load again),
  // store_unavailable (try again), integrity_violated.
  virtual Result<Reached> follow(const core::Position& after, Milliseconds wait,
                                 const Sink& sink) = 0;
};

}  // namespace latchkey::verify
