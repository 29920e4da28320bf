// What a person is in an organization, and what that allows.
//
// A role is two things: a mask over the scopes of the person's tokens (docs/spec/scopes.md lists
// them), and a set of things that its holder may do on the management pages. A token may do what
// its scopes allow under its owner's mask at that moment. Thread safety: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "core/scope_catalog.h"

namespace latchkey::core {

// In order of power; each can do what those before it can. Numbers are stored: do not change them.
enum class Role { reader = 1, member = 2, administrator = 3, owner = 4 };

// Things that are not opened by a scope of a token but by the role of a signed-in person.
enum class Permission {
  read_organization,    // reader: see the organization, its members and its private projects
  make_tokens,          // reader: have tokens of one's own in the organization
  write_projects,       // member: change a project's description and properties
  manage_projects,      // administrator: create, rename, delete, restore projects
  manage_members,       // administrator: invite, change roles below owner, end memberships
  manage_organization,  // administrator: rename
  delete_organization,  // owner: delete and recover, make owners
};

std::string_view role_name(Role role);  // "owner"
std::optional<Role> parse_role(std::string_view name);
bool role_allows(Role role, Permission permission);

// The scopes that a token of a person of this role can use, whatever it was given.
ScopeSet role_mask(const ScopeCatalog& catalog, Role role);

}  // namespace latchkey::core
