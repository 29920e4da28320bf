#include "core/role.h"

#include <array>

#include "base/assert.h"

namespace latchkey::core {
namespace {

// What changes who belongs to an organization and what they may do, and what watches over them:
// docs/spec/scopes.md, rule S12. Only administrators' and owners' tokens can use these.
constexpr std::array<std::string_view, 9> kAdministrative = {
    "vso.auditlog",       "vso.auditstreams_manage", "vso.extension_manage",
    "vso.graph_manage",   "vso.identity_manage",     "vso.memberentitlementmanagement_write",
    "vso.project_manage", "vso.security_manage",     "vso.tokenadministration",
};

ScopeSet without(const ScopeSet& set, ScopeNumber removed) {
  ScopeSet rest;
  for (size_t i = 0; i < ScopeSet::kScopesMax; ++i) {
    const ScopeNumber scope{static_cast<uint8_t>(i)};
    if (set.contains(scope) && scope != removed) rest.add(scope);
  }
  return rest;
}

ScopeSet reader_mask(const ScopeCatalog& catalog) {
  ScopeSet mask;
  for (const Scope& scope : catalog.scopes()) {
    const bool is_held = scope.least_role ? *scope.least_role == Role::reader
                                          : scope.level == "Read" && !scope.high_privilege;
    if (is_held && scope.origin != ScopeOrigin::withdrawn) mask.add(scope.number);
  }
  return mask;
}

ScopeSet member_mask(const ScopeCatalog& catalog) {
  ScopeSet mask = ScopeSet::all();
  for (const std::string_view identifier : kAdministrative) {
    const Scope* scope = catalog.find(identifier);
    if (scope != nullptr) mask = without(mask, scope->number);
  }
  for (const Scope& scope : catalog.scopes()) {
    if (scope.least_role && *scope.least_role > Role::member) mask = without(mask, scope.number);
  }
  return mask;
}

}  // namespace

std::string_view role_name(Role role) {
  switch (role) {
    case Role::reader: return "reader";
    case Role::member: return "member";
    case Role::administrator: return "administrator";
    case Role::owner: return "owner";
  }
  LK_ASSERT(false);
  return {};
}

std::optional<Role> parse_role(std::string_view name) {
  for (const Role role : {Role::reader, Role::member, Role::administrator, Role::owner}) {
    if (role_name(role) == name) return role;
  }
  return std::nullopt;
}

bool role_allows(Role role, Permission permission) {
  switch (permission) {
    case Permission::read_organization:
    case Permission::make_tokens: return role >= Role::reader;
    case Permission::write_projects: return role >= Role::member;
    case Permission::manage_projects:
    case Permission::manage_members:
    case Permission::manage_organization: return role >= Role::administrator;
    case Permission::delete_organization: return role >= Role::owner;
  }
  LK_ASSERT(false);
  return false;
}

ScopeSet role_mask(const ScopeCatalog& catalog, Role role) {
  switch (role) {
    case Role::reader: return reader_mask(catalog);
    case Role::member: return member_mask(catalog);
    case Role::administrator:
    case Role::owner: return ScopeSet::all();
  }
  LK_ASSERT(false);
  return {};
}

}  // namespace latchkey::core
