// What an actor may do in an organization, decided inside the transaction that does it.
//
// The console may do everything; a person what their role there allows; a token nothing outside its
// own organization (its scopes were checked by the guard before). An organization that the caller
// is no member of looks like one that does not exist. Thread safety: as of the transaction.
#pragma once

#include "core/organization.h"
#include "core/role.h"
#include "service/actor.h"
#include "store/store.h"

namespace latchkey::service {

// The active organization `id`, if `actor` has `permission` in it.
// Errors: organization_unknown (absent, deleted, or not a member), permission_denied.
Result<core::Organization> require_permission(store::ReadTx& tx, const Actor& actor,
                                              core::OrganizationId id, core::Permission permission);

// The role of `actor` in `id`: the console is an owner everywhere. Nothing for no member.
Result<std::optional<core::Role>> find_role(store::ReadTx& tx, const Actor& actor,
                                            core::OrganizationId id);

// Whether somebody of role `own` may give or take the role `given`: none above one's own, and
// owners are made and unmade by owners. Errors: permission_denied.
Result<void> decide_grant_role(core::Role own, core::Role given);

// Whether `actor` runs this installation: the console, or a person marked as operator who is signed
// in. Errors: permission_denied.
Result<void> require_operator(store::ReadTx& tx, const Actor& actor);

}  // namespace latchkey::service
