// Organizations and who belongs to them.
//
// Ending or changing a membership, and deleting an organization, is one event and takes effect in
// every index with it. An organization always keeps at least one active owner.
// Thread safety: any thread. Spec: docs/spec/organizations.md.
#pragma once

#include <string>
#include <vector>

#include "core/organization.h"
#include "core/person.h"
#include "core/role.h"
#include "service/actor.h"
#include "service/dependencies.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"

namespace latchkey::service {

struct OrganizationOfPerson {
  core::Organization organization;
  core::Role role;
};

class Organizations {
 public:
  explicit Organizations(const Dependencies& dependencies) : dependencies_(dependencies) {}

  // The caller becomes its owner. Errors: invalid_argument, already_exists, credential_kind_refused
  // (a token makes no organizations).
  Result<Changed<core::Organization>> create(const Actor& actor, const std::string& name);
  // The organizations of the caller, also deleted ones that they own and could recover.
  Result<std::vector<OrganizationOfPerson>> list_mine(const Actor& actor);
  // With the role of the caller, or of the token's owner.
  Result<OrganizationOfPerson> get(const Actor& actor, core::OrganizationId id);
  // By name without case, or by id as text. Errors: organization_unknown.
  Result<core::Organization> resolve(const std::string& name_or_id);
  Result<Changed<core::Organization>> rename(const Actor& actor, core::OrganizationId id,
                                             const std::string& name);
  Result<Changed<core::Organization>> remove(const Actor& actor, core::OrganizationId id);
  // Under `name` if it is not empty (needed when the old one is taken).
  // Errors: organization_unknown, conflict, already_exists, permission_denied (owners only).
  Result<Changed<core::Organization>> recover(const Actor& actor, core::OrganizationId id,
                                              const std::string& name);

  Result<std::vector<store::MemberRow>> members(const Actor& actor, core::OrganizationId id);
  // Adds an existing person. Errors: person_unknown.
  Result<Changed<core::Membership>> add_member(const Actor& actor, core::OrganizationId id,
                                               core::PersonId person, core::Role role);
  // Errors: member_unknown, permission_denied (above one's own role), conflict (the last owner).
  Result<Changed<core::Membership>> change_role(const Actor& actor, core::OrganizationId id,
                                                core::PersonId person, core::Role role);
  // Ending one's own membership is allowed to everybody but the last owner.
  Result<core::Revision> remove_member(const Actor& actor, core::OrganizationId id,
                                       core::PersonId person);

 private:
  Dependencies dependencies_;
};

}  // namespace latchkey::service
