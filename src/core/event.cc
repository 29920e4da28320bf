// The canonical bytes of docs/spec/event-log.md: fields, each as a 4-byte big-endian length and its
// bytes, so that no two different lists of fields have the same bytes.
#include "core/event.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace latchkey::core {
namespace {

class CanonicalBytes {
 public:
  explicit CanonicalBytes(std::string_view domain) { text(domain); }

  void bytes(std::span<const uint8_t> field) {
    LK_ASSERT(field.size() <= UINT32_MAX);
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<uint8_t>(field.size() >> shift));
    }
    bytes_.insert(bytes_.end(), field.begin(), field.end());
  }
  void text(std::string_view field) { bytes(as_bytes(field)); }
  void number(uint64_t field) {
    std::array<uint8_t, 8> big_endian{};
    for (size_t i = 0; i < 8; ++i) big_endian[i] = static_cast<uint8_t>(field >> (56 - 8 * i));
    bytes(big_endian);
  }
  // An absent id is an empty field.
  template <class Tag>
  void maybe_id(const std::optional<Id<Tag>>& id) {
    if (id) return bytes(id->uuid.bytes);
    bytes({});
  }
  std::span<const uint8_t> span() const { return bytes_; }

 private:
  Bytes bytes_;
};

struct ActionName {
  Action action;
  std::string_view name;
};
// In the order of the enum. Names of area Token are those of Azure DevOps where it has one.
constexpr ActionName kActionNames[] = {
    {Action::person_created, "Person.CreateEvent"},
    {Action::person_changed, "Person.UpdateEvent"},
    {Action::person_disabled, "Person.DisableEvent"},
    {Action::person_enabled, "Person.EnableEvent"},
    {Action::person_password_changed, "Person.PasswordChangeEvent"},
    {Action::person_password_reset_asked, "Person.PasswordResetAskEvent"},
    {Action::person_invited, "Person.InviteEvent"},
    {Action::person_signed_in, "Person.SignInEvent"},
    {Action::session_ended, "Session.EndEvent"},
    {Action::organization_created, "Organization.CreateEvent"},
    {Action::organization_renamed, "Organization.RenameEvent"},
    {Action::organization_deleted, "Organization.DeleteEvent"},
    {Action::organization_recovered, "Organization.RecoverEvent"},
    {Action::member_added, "Member.AddEvent"},
    {Action::member_role_changed, "Member.RoleChangeEvent"},
    {Action::member_removed, "Member.RemoveEvent"},
    {Action::token_created, "Token.PatCreateEvent"},
    {Action::token_updated, "Token.PatUpdateEvent"},
    {Action::token_regenerated, "Token.PatRegenerateEvent"},
    {Action::token_revoked, "Token.PatRevokeEvent"},
    {Action::project_created, "Project.CreateCompleted"},
    {Action::project_updated, "Project.UpdateCompleted"},
    {Action::project_deleted, "Project.SoftDeleteCompleted"},
    {Action::project_restored, "Project.RestoreCompleted"},
    {Action::project_properties_changed, "Project.PropertiesUpdateCompleted"},
    {Action::store_restored, "Store.RestoreEvent"},
    {Action::key_digest_rotated, "Key.DigestRotateEvent"},
    {Action::key_digest_retired, "Key.DigestRetireEvent"},
    {Action::key_row_rotated, "Key.RowRotateEvent"},
    {Action::key_row_resigned, "Key.RowResignEvent"},
    {Action::key_row_retired, "Key.RowRetireEvent"},
    {Action::scopes_declared, "Scope.DeclareEvent"},
    {Action::client_added, "Client.AddEvent"},
    {Action::client_removed, "Client.RemoveEvent"},
};

struct SubjectName {
  SubjectKind kind;
  std::string_view name;
};
constexpr SubjectName kSubjectNames[] = {
    {SubjectKind::person, "person"},
    {SubjectKind::organization, "organization"},
    {SubjectKind::membership, "membership"},
    {SubjectKind::token, "token"},
    {SubjectKind::project, "project"},
    {SubjectKind::session, "session"},
    {SubjectKind::link, "link"},
    {SubjectKind::client, "client"},
};

std::string_view subject_name(SubjectKind kind) {
  for (const SubjectName& entry : kSubjectNames) {
    if (entry.kind == kind) return entry.name;
  }
  LK_ASSERT(false);
  return {};
}

std::optional<Subject> parse_subject(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto id = parse_uuid(text.substr(colon + 1));
  // One text for each subject: an id in capitals is another form.
  if (!id || format_uuid(*id) != text.substr(colon + 1)) return std::nullopt;
  for (const SubjectName& entry : kSubjectNames) {
    if (entry.name == text.substr(0, colon)) return Subject{entry.kind, *id};
  }
  return std::nullopt;
}

}  // namespace

std::string_view action_name(Action action) {
  const auto index = static_cast<size_t>(action);
  LK_ASSERT(index < std::size(kActionNames) && kActionNames[index].action == action);
  return kActionNames[index].name;
}

std::optional<Action> parse_action(std::string_view name) {
  for (const ActionName& entry : kActionNames) {
    if (entry.name == name) return entry.action;
  }
  return std::nullopt;
}

Digest context_digest(const EventContext& context, const Salt& salt) {
  CanonicalBytes canonical("latchkey.context.v1");
  canonical.bytes(salt);
  canonical.text(context.address);
  canonical.text(context.user_agent);
  canonical.text(context.mechanism);
  canonical.text(context.correlation_id);
  canonical.text(context.names);
  return sha256(canonical.span());
}

Digest event_hash(const Event& event) {
  CanonicalBytes canonical("latchkey.event.v1");
  canonical.number(event.revision.number);
  canonical.number(static_cast<uint64_t>(event.at.ms));
  canonical.maybe_id(event.draft.organization);
  canonical.maybe_id(event.draft.actor);
  canonical.text(action_name(event.draft.action));
  canonical.text(format_subjects(event.draft.subjects));
  canonical.text(event.draft.data);
  canonical.bytes(event.context_digest);
  canonical.bytes(event.previous_hash);
  return sha256(canonical.span());
}

Digest head_signature(const Hmac& row_key, const Position& position, const Digest& hash) {
  CanonicalBytes canonical("latchkey.head.v2");
  canonical.bytes(position.epoch.uuid.bytes);
  canonical.number(position.revision.number);
  canonical.bytes(hash);
  return row_key(canonical.span());
}

Digest head_signature_without_epoch(const Hmac& row_key, Revision revision, const Digest& hash) {
  CanonicalBytes canonical("latchkey.head.v1");
  canonical.number(revision.number);
  canonical.bytes(hash);
  return row_key(canonical.span());
}

std::string format_subjects(std::span<const Subject> subjects) {
  std::string text;
  for (const Subject& subject : subjects) {
    if (!text.empty()) text += ',';
    text += subject_name(subject.kind);
    text += ':';
    text += format_uuid(subject.id);
  }
  return text;
}

std::optional<std::vector<Subject>> parse_subjects(std::string_view text) {
  std::vector<Subject> subjects;
  if (text.empty()) return subjects;
  for (const std::string_view part : split(text, ',')) {
    const auto subject = parse_subject(part);
    if (!subject) return std::nullopt;
    subjects.push_back(*subject);
  }
  return subjects;
}

}  // namespace latchkey::core
