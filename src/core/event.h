// One row of the event log: what changed, by whom, when, and the chain that proves the order.
//
// Each event holds the hash of the one before it and its own hash over everything else, in the
// canonical bytes of docs/spec/event-log.md. Names and addresses are not in it but in its context,
// a separate row with a salt, of which the event holds only the digest: a context can be erased
// without breaking the chain. Thread safety: values and pure functions. Vectors:
// spec/vectors/events.json.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "core/ids.h"

namespace latchkey::core {

// What happened. The names are stored and are permanent (docs/spec/event-log.md lists them).
enum class Action {
  person_created,
  person_changed,
  person_disabled,
  person_enabled,
  person_password_changed,
  person_password_reset_asked,
  person_invited,
  person_signed_in,
  session_ended,
  organization_created,
  organization_renamed,
  organization_deleted,
  organization_recovered,
  member_added,
  member_role_changed,
  member_removed,
  token_created,
  token_updated,
  token_regenerated,
  token_revoked,
  project_created,
  project_updated,
  project_deleted,
  project_restored,
  project_properties_changed,
  store_restored,
  key_digest_rotated,
  key_digest_retired,
  key_row_rotated,
  key_row_resigned,
  key_row_retired,
  scopes_declared,
  client_added,
  client_removed,
};
std::string_view action_name(Action action);  // "Token.PatCreateEvent"
std::optional<Action> parse_action(std::string_view name);

// What an event is about. An index reloads exactly these after an event.
enum class SubjectKind {
  person = 1,
  organization = 2,
  membership = 3,
  token = 4,
  project = 5,
  session = 6,
  link = 7,
  client = 8
};
struct Subject {
  SubjectKind kind = SubjectKind::token;
  Uuid id;  // of a membership: the person's; the organization is the event's
  friend bool operator==(const Subject&, const Subject&) = default;
};

// What the caller of append gives.
struct EventDraft {
  Action action = Action::token_created;
  std::optional<OrganizationId> organization;
  std::optional<PersonId> actor;  // absent: the system or the operator's console
  std::vector<Subject> subjects;
  std::string data = "{}";  // JSON object without personal content
};

// Who did it from where, and the names of things as they were. Erasable.
struct EventContext {
  std::string address;
  std::string user_agent;
  std::string mechanism;       // "session", "PAT", "console", "setup", "link"
  std::string correlation_id;  // the request's id
  std::string names;           // JSON object, e.g. {"DisplayName":"build"}
};

struct Event {
  Revision revision;
  Instant at;
  EventDraft draft;
  Digest context_digest{};
  Digest previous_hash{};
  Digest hash{};
};

using Salt = std::array<uint8_t, 16>;

// The canonical bytes of a context and its digest under `salt`.
Digest context_digest(const EventContext& context, const Salt& salt);
// The hash of `event` over everything but `hash` itself.
Digest event_hash(const Event& event);
// What is signed at each commit: the position and hash of the last event.
Digest head_signature(const Hmac& row_key, const Position& position, const Digest& hash);
// The same as it was before heads had an epoch: only to bring such a database up to date.
Digest head_signature_without_epoch(const Hmac& row_key, Revision revision, const Digest& hash);
// Subjects as stored: "token:uuid,membership:uuid". parse gives nothing for another form.
std::string format_subjects(std::span<const Subject> subjects);
std::optional<std::vector<Subject>> parse_subjects(std::string_view text);

}  // namespace latchkey::core
