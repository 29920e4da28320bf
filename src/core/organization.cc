#include "core/organization.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/uuid.h"

namespace latchkey::core {
namespace {

constexpr size_t kNameMax = 50;

// First segments that are ours now, could become ours, or that a reader would take for ours.
// docs/spec/organizations.md, rule O5. Names with an underscore or a dot are refused by their form.
constexpr std::array<std::string_view, 68> kReserved = {
    "about",     "account",      "accounts",      "admin",     "administrator",
    "api",       "apis",         "app",           "apps",      "asset",
    "assets",    "audit",        "auth",          "authorize", "billing",
    "blog",      "cdn",          "config",        "console",   "css",
    "dashboard", "debug",        "default",       "dev",       "docs",
    "download",  "favicon",      "feed",          "files",     "health",
    "healthz",   "help",         "home",          "img",       "index",
    "js",        "latchkey",     "livez",         "login",     "logout",
    "me",        "metrics",      "oauth",         "oidc",      "openapi",
    "operator",  "organization", "organizations", "profile",   "public",
    "readyz",    "robots",       "root",          "saml",      "scim",
    "security",  "session",      "sessions",      "settings",  "setup",
    "signin",    "signout",      "signup",        "static",    "status",
    "system",    "well-known",   "www",
};
static_assert(!kReserved.back().empty());

bool is_name_character(char c) { return is_ascii_letter(c) || is_ascii_digit(c) || c == '-'; }

}  // namespace

std::string organization_key(std::string_view name) { return ascii_lower(name); }

Result<void> check_organization_name(std::string_view name, std::string_view field) {
  if (name.empty()) return invalid_field(field, "must not be empty");
  if (name.size() > kNameMax) return invalid_field(field, "must be at most 50 characters long");
  if (!std::all_of(name.begin(), name.end(), is_name_character)) {
    return invalid_field(field, "must have only letters a-z, digits and hyphens");
  }
  if (name[0] == '-') return invalid_field(field, "must begin with a letter or a digit");
  // Routes take a name or an id; a name of this form would be somebody else's id.
  if (parse_uuid(name)) return invalid_field(field, "must not have the form of an id");
  const std::string key = organization_key(name);
  if (std::find(kReserved.begin(), kReserved.end(), key) != kReserved.end()) {
    return invalid_field(field, "must not be a reserved word");
  }
  return {};
}

Result<void> decide_recover(const Organization& organization, Instant now) {
  if (organization.state != OrganizationState::deleted || !organization.deleted_at) {
    return Error(ErrorCode::conflict, "The organization is not deleted.");
  }
  if (now >= *organization.deleted_at + kRecoverWindow) {
    return Error(ErrorCode::conflict,
                 "The organization was deleted 28 days ago or more and cannot be recovered.");
  }
  return {};
}

}  // namespace latchkey::core
