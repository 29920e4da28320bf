// Names of things, one type for each kind of thing.
//
// An Id is a Uuid that knows what it names, so that a token's id cannot be passed for a person's. A
// Revision is the position of a change in the event log; revision order is commit order, without
// gaps. An Epoch is the history that revisions count in. Thread safety: values.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace latchkey::core {

template <class Tag>
struct Id {
  Uuid uuid;

  bool is_nil() const { return uuid.is_nil(); }
  friend auto operator<=>(const Id&, const Id&) = default;
};

using OrganizationId = Id<struct OrganizationTag>;
using ProjectId = Id<struct ProjectTag>;
using TeamId = Id<struct TeamTag>;
using OperationId = Id<struct OperationTag>;
using PersonId = Id<struct PersonTag>;
using SessionId = Id<struct SessionTag>;
using LinkId = Id<struct LinkTag>;
using ClientId = Id<struct ClientTag>;
using MailId = Id<struct MailTag>;
// The contract calls it authorizationId; it survives edit and regeneration.
using TokenId = Id<struct TokenTag>;

template <class AnyId>
Result<AnyId> make_id(Entropy& entropy) {
  LK_TRY(const Uuid uuid, make_uuid(entropy));
  return AnyId{uuid};
}

template <class Tag>
std::string format_id(const Id<Tag>& id) {
  return format_uuid(id.uuid);
}

template <class AnyId>
std::optional<AnyId> parse_id(std::string_view text) {
  const auto uuid = parse_uuid(text);
  if (!uuid) return std::nullopt;
  return AnyId{*uuid};
}

struct Revision {
  uint64_t number = 0;  // 1 is the first event's; 0 is before all
  friend auto operator<=>(const Revision&, const Revision&) = default;
};

// A new database begins an epoch, and a restore another: after it the same revisions are given to
// other events. So what leaves the process names both. Spec: docs/spec/event-log.md (E20).
using Epoch = Id<struct EpochTag>;
struct Position {
  Epoch epoch;
  Revision revision;
  friend bool operator==(const Position&, const Position&) = default;
};
// "<epoch>.<revision>", e.g. "3f0c...-....17".
inline std::string format_position(const Position& position) {
  return format_id(position.epoch) + '.' + std::to_string(position.revision.number);
}

}  // namespace latchkey::core

template <class Tag>
struct std::hash<latchkey::core::Id<Tag>> {
  size_t operator()(const latchkey::core::Id<Tag>& id) const noexcept {
    return std::hash<latchkey::Uuid>()(id.uuid);
  }
};
