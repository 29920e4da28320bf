#include "service/restoration.h"

#include <algorithm>

#include "base/json.h"
#include "store/client_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/token_rows.h"

namespace latchkey::service {
namespace {

constexpr int kRowsAtOnce = 256;

template <class AnyId>
Result<AnyId> subject_of(const core::Event& event, core::SubjectKind kind) {
  for (const core::Subject& subject : event.draft.subjects) {
    if (subject.kind == kind) return AnyId{subject.id};
  }
  return Error(ErrorCode::integrity_violated,
               "event " + std::to_string(event.revision.number) + " does not say what it is about");
}

Result<core::Role> role_of(const core::Event& event) {
  const auto data = parse_json(event.draft.data);
  auto reader = data ? JsonReader::object(*data) : Result<JsonReader>(data.error());
  const auto name = reader ? reader->text("role") : Result<std::string>(reader.error());
  const auto role = name ? core::parse_role(*name) : std::nullopt;
  if (role) return *role;
  return Error(ErrorCode::integrity_violated,
               "event " + std::to_string(event.revision.number) + " does not say the role");
}

template <class AnyId>
Result<void> put(std::set<AnyId>& ids, const core::Event& event, core::SubjectKind kind) {
  LK_TRY(const auto id, subject_of<AnyId>(event, kind));
  ids.insert(id);
  return {};
}

template <class AnyId>
Result<void> take(std::set<AnyId>& ids, const core::Event& event, core::SubjectKind kind) {
  LK_TRY(const auto id, subject_of<AnyId>(event, kind));
  ids.erase(id);
  return {};
}

Result<ChangesSince::MemberId> member_of(const core::Event& event) {
  LK_TRY(const auto id, subject_of<core::PersonId>(event, core::SubjectKind::membership));
  return ChangesSince::MemberId(event.draft.organization.value_or(core::OrganizationId()), id);
}

std::string_view choice_name(SinceBackup choice) {
  switch (choice) {
    case SinceBackup::keep: return "keep";
    case SinceBackup::revoke_changed: return "revokeChanged";
    case SinceBackup::revoke_all: return "revokeAll";
  }
  LK_ASSERT(false);
  return {};
}

class Restoration {
 public:
  Restoration(const RestorationDependencies& dependencies, SinceBackup choice,
              const ChangesSince& changes)
      : dependencies_(dependencies), choice_(choice), changes_(changes) {}

  Result<RestorationReport> run() {
    LK_CHECK(begin_epoch());
    if (choice_ == SinceBackup::keep) return report_;
    // Tokens first: which are meant is told by the memberships as they were.
    LK_CHECK(revoke_tokens());
    LK_CHECK(change_people());
    LK_CHECK(change_members());
    LK_CHECK(delete_organizations());
    LK_CHECK(remove_clients());
    LK_CHECK(find_without_owner());
    return report_;
  }

 private:
  static core::EventContext context() { return {"", "latchkey restore", "console", "", "{}"}; }
  static core::EventDraft draft(core::Action action, std::vector<core::Subject> subjects,
                                json::object data = {}) {
    data["by"] = "restore";
    core::EventDraft made;
    made.action = action;
    made.subjects = std::move(subjects);
    made.data = format_json(data);
    return made;
  }
  Result<void> write(const store::WriteBody& body) {
    LK_CHECK(dependencies_.store.write(body));
    return {};
  }

  Result<void> begin_epoch() {
    const store::LogHead backup = dependencies_.store.head();
    LK_TRY(report_.epoch, core::make_id<core::Epoch>(dependencies_.entropy));
    return write([&](store::WriteTx& tx) -> Result<void> {
      tx.begin_epoch(report_.epoch);
      LK_CHECK(tx.append(draft(core::Action::store_restored, {},
                               {{"backupEpoch", core::format_id(backup.epoch)},
                                {"backupRevision", backup.revision.number},
                                {"backupHash", format_hex(backup.hash)},
                                {"epoch", core::format_id(report_.epoch)},
                                {"sinceBackup", choice_name(choice_)}}),
                         context()));
      LK_CHECK(store::delete_all_sessions(tx));
      return store::delete_all_links(tx);
    });
  }

  bool is_meant(const core::Token& token) const {
    if (token.state != core::TokenState::live) return false;
    if (choice_ == SinceBackup::revoke_all) return true;
    return changes_.tokens_changed.contains(token.id) ||
           changes_.people_disabled.contains(token.owner) ||
           changes_.organizations_deleted.contains(token.organization) ||
           changes_.members_changed.contains({token.organization, token.owner});
  }

  Result<void> revoke_tokens() {
    core::TokenId last;
    while (true) {
      std::vector<store::TokenRow> rows;
      LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
        LK_TRY(rows, store::list_all_tokens(tx, last, kRowsAtOnce));
        return {};
      }));
      if (rows.empty()) return {};
      last = rows.back().token.id;
      std::erase_if(rows, [&](const store::TokenRow& row) { return !is_meant(row.token); });
      const auto change = [&](store::WriteTx& tx) -> Result<void> {
        for (const store::TokenRow& row : rows) LK_CHECK(revoke(tx, row.token));
        return {};
      };
      LK_CHECK(write(change));
      for (const store::TokenRow& row : rows) report_.tokens_revoked.push_back(row.token.id);
    }
  }

  Result<void> revoke(store::WriteTx& tx, const core::Token& token) {
    const core::Token revoked = core::decide_revoke(token, tx.now());
    LK_CHECK(store::update_token(tx, revoked, core::token_row_mac(tx.row_key(), revoked)));
    auto event = draft(core::Action::token_revoked, {{core::SubjectKind::token, token.id.uuid}},
                       {{"owner", core::format_id(token.owner)}});
    event.organization = token.organization;
    LK_CHECK(tx.append(event, context()));
    return {};
  }

  // Who was disabled is so again. A password that was replaced since does not let in again, and if
  // it is not known whose was, none does.
  Result<void> change_people() {
    std::vector<core::PersonId> people;
    LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) {
      return store::for_each_person(tx, [&](const core::Person& person) -> Result<void> {
        people.push_back(person.id);
        return {};
      });
    }));
    for (const core::PersonId id : people) {
      const bool is_off = changes_.people_off.contains(id);
      const bool is_old =
          choice_ == SinceBackup::revoke_all || changes_.passwords_changed.contains(id);
      if (!is_off && !is_old) continue;
      PersonChange done;
      const auto change = [&](store::WriteTx& tx) -> Result<void> {
        LK_TRY(done, change_person(tx, id, {is_off, is_old}));
        return {};
      };
      LK_CHECK(write(change));
      if (done.disable) report_.people_disabled.push_back(id);
      if (done.remove_password) report_.passwords_removed.push_back(id);
    }
    return {};
  }

  struct PersonChange {
    bool disable = false;
    bool remove_password = false;
  };
  // Returns what of `asked` there was to do.
  static Result<PersonChange> change_person(store::WriteTx& tx, core::PersonId id,
                                            PersonChange asked) {
    LK_TRY(auto row, store::find_person(tx, id));
    LK_ASSERT(row);
    const bool is_active = row->person.state == core::PersonState::active;
    const PersonChange change{asked.disable && is_active,
                              asked.remove_password && !row->password_hash.empty()};
    const std::vector<core::Subject> subjects{{core::SubjectKind::person, id.uuid}};
    if (change.disable) {
      row->person.state = core::PersonState::disabled;
      LK_CHECK(tx.append(draft(core::Action::person_disabled, subjects), context()));
    }
    if (change.remove_password) {
      row->password_hash.clear();
      row->password_changed_at = tx.now();
      LK_CHECK(tx.append(draft(core::Action::person_password_changed, subjects), context()));
    }
    if (change.disable || change.remove_password) LK_CHECK(store::update_person(tx, *row));
    return change;
  }

  Result<void> change_members() {
    for (const auto& member : changes_.members_changed) {
      MemberChange done = MemberChange::none;
      const auto change = [&](store::WriteTx& tx) -> Result<void> {
        LK_TRY(done, change_member(tx, member));
        return {};
      };
      LK_CHECK(write(change));
      if (done == MemberChange::removed) report_.members_removed.push_back(member);
      if (done == MemberChange::role) report_.roles_changed.push_back(member);
    }
    return {};
  }

  enum class MemberChange { none, removed, role };
  Result<MemberChange> change_member(store::WriteTx& tx, const ChangesSince::MemberId& id) const {
    LK_TRY(auto member, store::find_membership(tx, id.first, id.second));
    if (!member) return MemberChange::none;
    const std::vector<core::Subject> subjects{{core::SubjectKind::membership, id.second.uuid}};
    if (changes_.members_removed.contains(id)) {
      LK_CHECK(store::delete_membership(tx, id.first, id.second));
      auto event = draft(core::Action::member_removed, subjects);
      event.organization = id.first;
      LK_CHECK(tx.append(event, context()));
      return MemberChange::removed;
    }
    const auto role = changes_.roles.find(id);
    if (role == changes_.roles.end() || role->second == member->role) return MemberChange::none;
    member->role = role->second;
    LK_CHECK(store::upsert_membership(tx, *member));
    auto event = draft(core::Action::member_role_changed, subjects,
                       {{"role", core::role_name(member->role)}});
    event.organization = id.first;
    LK_CHECK(tx.append(event, context()));
    return MemberChange::role;
  }

  Result<void> delete_organizations() {
    for (const core::OrganizationId id : changes_.organizations_off) {
      bool done = false;
      const auto change = [&](store::WriteTx& tx) -> Result<void> {
        done = false;
        LK_TRY(auto organization, store::find_organization(tx, id));
        if (!organization || organization->state == core::OrganizationState::deleted) return {};
        organization->state = core::OrganizationState::deleted;
        organization->deleted_at = tx.now();
        LK_CHECK(store::update_organization(tx, *organization));
        auto event =
            draft(core::Action::organization_deleted, {{core::SubjectKind::organization, id.uuid}});
        event.organization = id;
        LK_CHECK(tx.append(event, context()));
        done = true;
        return {};
      };
      LK_CHECK(write(change));
      if (done) report_.organizations_deleted.push_back(id);
    }
    return {};
  }

  Result<void> remove_clients() {
    const auto change = [&](store::WriteTx& tx) -> Result<void> {
      report_.clients_removed.clear();
      LK_TRY(const auto rows, store::list_clients(tx));
      for (const store::ClientRow& row : rows) {
        const core::ClientId id = row.client.id;
        if (choice_ != SinceBackup::revoke_all && !changes_.clients_removed.contains(id)) continue;
        LK_CHECK(store::delete_client(tx, id));
        LK_CHECK(
            tx.append(draft(core::Action::client_removed, {{core::SubjectKind::client, id.uuid}}),
                      context()));
        report_.clients_removed.push_back(id);
      }
      return {};
    };
    return write(change);
  }

  Result<void> find_without_owner() {
    return dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
      return store::for_each_organization(tx, [&](const core::Organization& row) -> Result<void> {
        if (row.state != core::OrganizationState::active) return {};
        LK_TRY(const uint64_t owners, store::count_owners(tx, row.id));
        if (owners == 0) report_.without_owner.push_back(row.id);
        return {};
      });
    });
  }

  const RestorationDependencies& dependencies_;
  const SinceBackup choice_;
  const ChangesSince& changes_;
  RestorationReport report_;
};

}  // namespace

Result<void> ChangesSince::add(const core::Event& event) {
  using enum core::Action;
  using enum core::SubjectKind;
  ++events;
  switch (event.draft.action) {
    case token_created: return put(tokens_made, event, token);
    case token_updated:
    case token_regenerated:
    case token_revoked: return put(tokens_changed, event, token);
    case person_disabled:
      LK_CHECK(put(people_disabled, event, person));
      return put(people_off, event, person);
    case person_enabled: return take(people_off, event, person);
    case person_password_changed: return put(passwords_changed, event, person);
    case organization_deleted:
      LK_CHECK(put(organizations_deleted, event, organization));
      return put(organizations_off, event, organization);
    case organization_recovered: return take(organizations_off, event, organization);
    case member_role_changed: {
      LK_TRY(const auto id, member_of(event));
      LK_TRY(roles[id], role_of(event));
      members_changed.insert(id);
      return {};
    }
    case member_removed: {
      LK_TRY(const auto id, member_of(event));
      members_changed.insert(id);
      members_removed.insert(id);
      return {};
    }
    case person_created:
    case person_changed:
    case person_password_reset_asked:
    case person_invited:
    case person_signed_in:
    case session_ended:
    case organization_created:
    case organization_renamed:
    case member_added:
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
    case scopes_declared:
    case client_added: return {};
    case client_removed: return put(clients_removed, event, client);
  }
  return {};
}

Result<RestorationReport> restore_state(const RestorationDependencies& dependencies,
                                        SinceBackup choice, const ChangesSince& changes) {
  return Restoration(dependencies, choice, changes).run();
}

}  // namespace latchkey::service
