#include "service/access.h"

#include "base/assert.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"

namespace latchkey::service {
namespace {

// The person behind `actor`, if there is one and they are not disabled. An actor was proved before
// this transaction began, so the person may have been disabled since.
Result<std::optional<core::Person>> find_active_person(store::ReadTx& tx, const Actor& actor) {
  if (!actor.person()) return std::optional<core::Person>();
  LK_TRY(auto row, store::find_person(tx, *actor.person()));
  if (!row || row->person.state != core::PersonState::active) return std::optional<core::Person>();
  return std::optional(std::move(row->person));
}

}  // namespace

Result<std::optional<core::Role>> find_role(store::ReadTx& tx, const Actor& actor,
                                            core::OrganizationId id) {
  if (actor.mechanism() == Mechanism::console) return std::optional(core::Role::owner);
  if (actor.token_organization() && *actor.token_organization() != id) {
    return std::optional<core::Role>();
  }
  LK_TRY(const auto person, find_active_person(tx, actor));
  if (!person) return std::optional<core::Role>();
  LK_TRY(const auto membership, store::find_membership(tx, id, person->id));
  return membership ? std::optional(membership->role) : std::optional<core::Role>();
}

Result<core::Organization> require_permission(store::ReadTx& tx, const Actor& actor,
                                              core::OrganizationId id,
                                              core::Permission permission) {
  LK_TRY(auto organization, store::find_organization(tx, id));
  LK_TRY(const auto role, find_role(tx, actor, id));
  if (!organization || organization->state != core::OrganizationState::active || !role) {
    return Error(ErrorCode::organization_unknown);
  }
  if (!core::role_allows(*role, permission)) {
    return Error(ErrorCode::permission_denied, "The role '" + std::string(core::role_name(*role)) +
                                                   "' in this organization does not allow this.");
  }
  return *std::move(organization);
}

Result<void> decide_grant_role(core::Role own, core::Role given) {
  const bool is_owners_business = given == core::Role::owner;
  if (given <= own &&
      (!is_owners_business || core::role_allows(own, core::Permission::delete_organization))) {
    return {};
  }
  return Error(ErrorCode::permission_denied,
               "The role '" + std::string(core::role_name(own)) +
                   "' in this organization cannot give or take the role '" +
                   std::string(core::role_name(given)) + "'.");
}

Result<void> require_operator(store::ReadTx& tx, const Actor& actor) {
  switch (actor.mechanism()) {
    case Mechanism::console: return {};
    case Mechanism::token: break;
    case Mechanism::session: {
      LK_TRY(const auto person, find_active_person(tx, actor));
      if (person && person->is_operator) return {};
      break;
    }
  }
  return Error(ErrorCode::permission_denied, "Only an operator of this installation may do this.");
}

}  // namespace latchkey::service
