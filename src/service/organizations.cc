#include "service/organizations.h"

#include <algorithm>

#include "service/access.h"
#include "service/identity_parts.h"

namespace latchkey::service {
namespace {

using core::Permission;

constexpr int kPageSize = 500;

// Without words of its own: every refusal of this kind must read the same (rule O9).
Error organization_unknown() { return Error(ErrorCode::organization_unknown); }

Error last_owner() {
  return Error(ErrorCode::conflict,
               "An organization needs at least one active owner. Make somebody else an owner "
               "first.");
}

// The event of a change of `organization` itself.
Result<void> append_organization(store::WriteTx& tx, const Actor& actor, core::Action action,
                                 const core::Organization& organization, const std::string& names) {
  const core::EventDraft draft{
      .action = action,
      .organization = organization.id,
      .actor = actor.person(),
      .subjects = {{core::SubjectKind::organization, organization.id.uuid}}};
  LK_CHECK(tx.append(draft, actor.event_context(names)));
  return {};
}

std::string organization_names(const core::Organization& organization) {
  return identity::names_json({{"OrganizationName", organization.name}});
}

// The event of a change of who belongs to an organization.
Result<void> append_member(store::WriteTx& tx, const Actor& actor, core::Action action,
                           const core::Membership& membership) {
  LK_TRY(const auto row, store::find_person(tx, membership.person));
  const core::EventDraft draft{
      .action = action,
      .organization = membership.organization,
      .actor = actor.person(),
      .subjects = {{core::SubjectKind::membership, membership.person.uuid}},
      .data = R"({"role":")" + std::string(core::role_name(membership.role)) + R"("})"};
  const std::string names = row ? identity::person_names(row->person) : "{}";
  LK_CHECK(tx.append(draft, actor.event_context(names)));
  return {};
}

// Whether `membership` is the only one of an active owner. A disabled person's does not count, so
// it may always go.
Result<bool> is_last_owner(store::ReadTx& tx, const core::Membership& membership) {
  if (membership.role != core::Role::owner) return false;
  LK_TRY(const auto row, store::find_person(tx, membership.person));
  if (!row || row->person.state != core::PersonState::active) return false;
  LK_TRY(const uint64_t owners, store::count_owners(tx, membership.organization));
  return owners <= 1;
}

Result<core::Membership> require_membership(store::ReadTx& tx, core::OrganizationId organization,
                                            core::PersonId person) {
  LK_TRY(const auto membership, store::find_membership(tx, organization, person));
  if (membership) return *membership;
  return Error(ErrorCode::member_unknown, "This person is no member of the organization.");
}

Result<core::Role> require_role(store::ReadTx& tx, const Actor& actor,
                                core::OrganizationId organization, Permission permission) {
  LK_CHECK(require_permission(tx, actor, organization, permission));
  LK_TRY(const auto role, find_role(tx, actor, organization));
  if (!role) return organization_unknown();
  return *role;
}

}  // namespace

Result<Changed<core::Organization>> Organizations::create(const Actor& actor,
                                                          const std::string& name) {
  LK_CHECK(core::check_organization_name(name));
  LK_TRY(const auto id, core::make_id<core::OrganizationId>(dependencies_.entropy));
  core::Organization organization;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto owner, identity::require_signed_in(tx, actor));
    organization = {.id = id, .name = name, .created_at = tx.now(), .deleted_at = std::nullopt};
    LK_CHECK(store::insert_organization(tx, organization));
    const core::Membership membership{.organization = id,
                                      .person = owner.person.id,
                                      .role = core::Role::owner,
                                      .created_at = tx.now()};
    LK_CHECK(store::upsert_membership(tx, membership));
    LK_CHECK(append_organization(tx, actor, core::Action::organization_created, organization,
                                 organization_names(organization)));
    return append_member(tx, actor, core::Action::member_added, membership);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<core::Organization>{organization, committed.revision};
}

Result<std::vector<OrganizationOfPerson>> Organizations::list_mine(const Actor& actor) {
  const Instant now = dependencies_.clock.now();
  std::vector<OrganizationOfPerson> mine;
  // Of a token only the one that it works in; at the console all that are active.
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    mine.clear();
    if (!actor.person()) {
      return store::for_each_organization(tx, [&](const core::Organization& organization) {
        if (organization.state == core::OrganizationState::active) {
          mine.push_back({organization, core::Role::owner});
        }
        return Result<void>();
      });
    }
    LK_TRY(const auto memberships, store::list_memberships_of(tx, *actor.person()));
    for (const auto& membership : memberships) {
      LK_TRY(const auto role, find_role(tx, actor, membership.organization));
      LK_TRY(auto organization, store::find_organization(tx, membership.organization));
      if (!role || !organization) continue;
      const bool is_active = organization->state == core::OrganizationState::active;
      const bool is_recoverable =
          *role == core::Role::owner && core::decide_recover(*organization, now).has_value();
      if (is_active || is_recoverable) mine.push_back({*std::move(organization), *role});
    }
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  std::sort(mine.begin(), mine.end(), [](const auto& a, const auto& b) {
    return std::pair(core::organization_key(a.organization.name), a.organization.id) <
           std::pair(core::organization_key(b.organization.name), b.organization.id);
  });
  return mine;
}

Result<OrganizationOfPerson> Organizations::get(const Actor& actor, core::OrganizationId id) {
  OrganizationOfPerson found;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(found.organization, require_permission(tx, actor, id, Permission::read_organization));
    LK_TRY(found.role, require_role(tx, actor, id, Permission::read_organization));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return found;
}

Result<core::Organization> Organizations::resolve(const std::string& name_or_id) {
  std::optional<core::Organization> found;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(found, store::find_organization_by_key(tx, core::organization_key(name_or_id)));
    const auto id = core::parse_id<core::OrganizationId>(name_or_id);
    if (found || !id) return {};
    LK_TRY(found, store::find_organization(tx, *id));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  if (!found || found->state != core::OrganizationState::active) return organization_unknown();
  return *std::move(found);
}

Result<Changed<core::Organization>> Organizations::rename(const Actor& actor,
                                                          core::OrganizationId id,
                                                          const std::string& name) {
  LK_CHECK(identity::refuse_token(actor));
  LK_CHECK(core::check_organization_name(name));
  core::Organization organization;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(organization, require_permission(tx, actor, id, Permission::manage_organization));
    if (organization.name == name) return {};
    const std::string names = identity::names_json(
        {{"OrganizationName", name}, {"PreviousOrganizationName", organization.name}});
    organization.name = name;
    LK_CHECK(store::update_organization(tx, organization));
    return append_organization(tx, actor, core::Action::organization_renamed, organization, names);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<core::Organization>{organization, committed.revision};
}

Result<Changed<core::Organization>> Organizations::remove(const Actor& actor,
                                                          core::OrganizationId id) {
  LK_CHECK(identity::refuse_token(actor));
  core::Organization organization;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(organization, require_permission(tx, actor, id, Permission::delete_organization));
    organization.state = core::OrganizationState::deleted;
    organization.deleted_at = tx.now();
    LK_CHECK(store::update_organization(tx, organization));
    return append_organization(tx, actor, core::Action::organization_deleted, organization,
                               organization_names(organization));
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<core::Organization>{organization, committed.revision};
}

Result<Changed<core::Organization>> Organizations::recover(const Actor& actor,
                                                           core::OrganizationId id,
                                                           const std::string& name) {
  LK_CHECK(identity::refuse_token(actor));
  if (!name.empty()) LK_CHECK(core::check_organization_name(name));
  core::Organization organization;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(auto found, store::find_organization(tx, id));
    LK_TRY(const auto role, find_role(tx, actor, id));
    if (!found || !role) return organization_unknown();
    if (!core::role_allows(*role, Permission::delete_organization)) {
      return Error(ErrorCode::permission_denied, "Only an owner can recover an organization.");
    }
    LK_CHECK(core::decide_recover(*found, tx.now()));
    organization = *std::move(found);
    const std::string old_name = organization.name;
    if (!name.empty()) organization.name = name;
    organization.state = core::OrganizationState::active;
    organization.deleted_at.reset();
    LK_CHECK(store::update_organization(tx, organization));
    const std::string names = identity::names_json(
        {{"OrganizationName", organization.name}, {"PreviousOrganizationName", old_name}});
    return append_organization(tx, actor, core::Action::organization_recovered, organization,
                               names);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<core::Organization>{organization, committed.revision};
}

Result<std::vector<store::MemberRow>> Organizations::members(const Actor& actor,
                                                             core::OrganizationId id) {
  std::vector<store::MemberRow> members;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, id, Permission::read_organization));
    std::string after;
    for (;;) {
      LK_TRY(auto page, store::list_members(tx, id, after, kPageSize));
      for (auto& row : page) members.push_back(std::move(row));
      if (page.size() < static_cast<size_t>(kPageSize)) return {};
      after = core::email_key(members.back().person.email);
    }
  };
  LK_CHECK(dependencies_.store.read(load));
  return members;
}

Result<Changed<core::Membership>> Organizations::add_member(const Actor& actor,
                                                            core::OrganizationId id,
                                                            core::PersonId person,
                                                            core::Role role) {
  LK_CHECK(identity::refuse_token(actor));
  core::Membership membership;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto own, require_role(tx, actor, id, Permission::manage_members));
    LK_CHECK(decide_grant_role(own, role));
    LK_TRY(const auto row, store::find_person(tx, person));
    if (!row) return Error(ErrorCode::person_unknown, "There is no such person.");
    LK_TRY(const auto existing, store::find_membership(tx, id, person));
    if (existing) {
      return Error(ErrorCode::conflict, "This person is a member of the organization already.");
    }
    membership = {.organization = id, .person = person, .role = role, .created_at = tx.now()};
    LK_CHECK(store::upsert_membership(tx, membership));
    return append_member(tx, actor, core::Action::member_added, membership);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<core::Membership>{membership, committed.revision};
}

Result<Changed<core::Membership>> Organizations::change_role(const Actor& actor,
                                                             core::OrganizationId id,
                                                             core::PersonId person,
                                                             core::Role role) {
  LK_CHECK(identity::refuse_token(actor));
  core::Membership membership;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto own, require_role(tx, actor, id, Permission::manage_members));
    LK_TRY(membership, require_membership(tx, id, person));
    LK_CHECK(decide_grant_role(own, membership.role));
    LK_CHECK(decide_grant_role(own, role));
    if (membership.role == role) return {};
    LK_TRY(const bool is_last, is_last_owner(tx, membership));
    if (is_last) return last_owner();
    membership.role = role;
    LK_CHECK(store::upsert_membership(tx, membership));
    return append_member(tx, actor, core::Action::member_role_changed, membership);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<core::Membership>{membership, committed.revision};
}

Result<core::Revision> Organizations::remove_member(const Actor& actor, core::OrganizationId id,
                                                    core::PersonId person) {
  LK_CHECK(identity::refuse_token(actor));
  const bool is_leaving = actor.person() == person;
  const auto permission = is_leaving ? Permission::read_organization : Permission::manage_members;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto own, require_role(tx, actor, id, permission));
    LK_TRY(const auto membership, require_membership(tx, id, person));
    LK_CHECK(decide_grant_role(own, membership.role));
    LK_TRY(const bool is_last, is_last_owner(tx, membership));
    if (is_last) return last_owner();
    LK_CHECK(store::delete_membership(tx, id, person));
    return append_member(tx, actor, core::Action::member_removed, membership);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return committed.revision;
}

}  // namespace latchkey::service
