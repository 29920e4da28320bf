// Checks people, organizations, memberships and clients against the log: rule E18 of
// docs/spec/event-log.md.
#include <map>
#include <utility>

#include "base/json.h"
#include "store/client_rows.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"

namespace latchkey::store {
namespace {

constexpr int kPageRows = 500;

Error violated(const std::string& what) { return Error(ErrorCode::integrity_violated, what); }

Error malformed(const core::Event& event) {
  return violated("event " + std::to_string(event.revision.number) + ": its data has another form");
}

// The id of the first subject of `event`, if it is of `kind`.
template <class AnyId>
Result<AnyId> subject_of(const core::Event& event, core::SubjectKind kind) {
  const auto& subjects = event.draft.subjects;
  if (subjects.empty() || subjects.front().kind != kind) return malformed(event);
  return AnyId{subjects.front().id};
}

Result<core::Role> role_of(const core::Event& event) {
  const auto data = parse_json(event.draft.data);
  if (!data) return malformed(event);
  auto reader = JsonReader::object(*data);
  if (!reader) return malformed(event);
  const auto name = reader->text("role");
  const auto role = name ? core::parse_role(*name) : std::nullopt;
  if (!role) return malformed(event);
  return *role;
}

// What the events so far say of who is who and may do what.
class Rights {
 public:
  Result<void> apply(const core::Event& event) {
    using enum core::Action;
    switch (event.draft.action) {
      case person_created: return add_person(event);
      case person_disabled: return set_person(event, core::PersonState::disabled);
      case person_enabled: return set_person(event, core::PersonState::active);
      case organization_created:
      case organization_recovered: return set_organization(event, core::OrganizationState::active);
      case organization_deleted: return set_organization(event, core::OrganizationState::deleted);
      case member_added:
      case member_role_changed: return set_member(event);
      case member_removed: return remove_member(event);
      case client_added: return add_client(event);
      case client_removed: return remove_client(event);
      case person_changed:
      case person_password_changed:
      case person_password_reset_asked:
      case person_invited:
      case person_signed_in:
      case session_ended:
      case organization_renamed:
      case token_created:
      case token_updated:
      case token_regenerated:
      case token_revoked:
      case project_created:
      case project_updated:
      case project_deleted:
      case project_restored:
      case project_properties_changed:
      case store_restored:
      case key_digest_rotated:
      case key_digest_retired:
      case key_row_rotated:
      case key_row_resigned:
      case key_row_retired:
      case scopes_declared: return {};
    }
    return {};
  }

  // Whether the rows of `tx` are these and no others.
  Result<void> compare(ReadTx& tx) {
    LK_CHECK(for_each_person(tx, [&](const core::Person& row) {
      const auto found = people_.find(row.id);
      const bool same =
          found != people_.end() && found->second == std::pair(row.state, row.is_operator);
      return expect(same, "person " + core::format_id(row.id));
    }));
    LK_CHECK(for_each_organization(tx, [&](const core::Organization& row) {
      const auto found = organizations_.find(row.id);
      const bool same = found != organizations_.end() && found->second == row.state;
      return expect(same, "organization " + core::format_id(row.id));
    }));
    LK_CHECK(for_each_membership(tx, [&](const core::Membership& row) {
      const auto found = members_.find({row.organization, row.person});
      const bool same = found != members_.end() && found->second == row.role;
      return expect(same, "membership of person " + core::format_id(row.person) +
                              " in organization " + core::format_id(row.organization));
    }));
    LK_TRY(const auto clients, list_clients(tx));
    for (const ClientRow& row : clients) {
      const auto found = clients_.find(row.client.id);
      const bool same =
          found != clients_.end() && found->second == core::client_event_data(row.client);
      LK_CHECK(expect(same, "client " + core::format_id(row.client.id)));
    }
    // All that are there are right, so what is left to find is that one is not there.
    const size_t known = people_.size() + organizations_.size() + members_.size() + clients_.size();
    if (rows_ == known) return {};
    return violated(
        "a person, an organization, a membership or a client of the event log is missing");
  }

 private:
  Result<void> add_person(const core::Event& event) {
    LK_TRY(const auto id, subject_of<core::PersonId>(event, core::SubjectKind::person));
    // Nobody but who sets up is made an operator.
    const bool is_operator = people_.empty();
    people_[id] = {core::PersonState::active, is_operator};
    return {};
  }

  Result<void> set_person(const core::Event& event, core::PersonState state) {
    LK_TRY(const auto id, subject_of<core::PersonId>(event, core::SubjectKind::person));
    people_[id].first = state;
    return {};
  }

  Result<void> set_organization(const core::Event& event, core::OrganizationState state) {
    LK_TRY(const auto id, subject_of<core::OrganizationId>(event, core::SubjectKind::organization));
    organizations_[id] = state;
    return {};
  }

  Result<void> set_member(const core::Event& event) {
    LK_TRY(const auto id, subject_of<core::PersonId>(event, core::SubjectKind::membership));
    if (!event.draft.organization) return malformed(event);
    LK_TRY(const core::Role role, role_of(event));
    members_.insert_or_assign({*event.draft.organization, id}, role);
    return {};
  }

  Result<void> remove_member(const core::Event& event) {
    LK_TRY(const auto id, subject_of<core::PersonId>(event, core::SubjectKind::membership));
    if (!event.draft.organization) return malformed(event);
    members_.erase({*event.draft.organization, id});
    return {};
  }

  Result<void> add_client(const core::Event& event) {
    LK_TRY(const auto id, subject_of<core::ClientId>(event, core::SubjectKind::client));
    clients_[id] = event.draft.data;
    return {};
  }

  Result<void> remove_client(const core::Event& event) {
    LK_TRY(const auto id, subject_of<core::ClientId>(event, core::SubjectKind::client));
    clients_.erase(id);
    return {};
  }

  Result<void> expect(bool same, const std::string& what) {
    ++rows_;
    if (same) return {};
    return violated(what + ": is not as the event log says");
  }

  std::map<core::PersonId, std::pair<core::PersonState, bool>> people_;  // the bool: an operator
  std::map<core::OrganizationId, core::OrganizationState> organizations_;
  std::map<std::pair<core::OrganizationId, core::PersonId>, core::Role> members_;
  std::map<core::ClientId, std::string> clients_;  // what the event of its making says
  size_t rows_ = 0;
};

}  // namespace

Result<void> verify_rights(Store& store) {
  Rights rights;
  core::Revision last;
  bool done = false;
  const auto page = [&](ReadTx& tx) -> Result<void> {
    LK_TRY(const auto events, list_events(tx.connection(), last, kPageRows));
    for (const core::Event& event : events) {
      LK_CHECK(rights.apply(event));
      last = event.revision;
    }
    // The rows of the view that has no later event.
    if (static_cast<int>(events.size()) == kPageRows) return {};
    done = true;
    return rights.compare(tx);
  };
  while (!done) LK_CHECK(store.read(page));
  return {};
}

}  // namespace latchkey::store
