#include "core/client.h"

#include <algorithm>

#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"

namespace latchkey::core {
namespace {

constexpr size_t kNameMax = 64;

bool is_name_character(char c) {
  return is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '_' || c == '.';
}

}  // namespace

std::string_view client_permission_name(ClientPermission permission) {
  switch (permission) {
    case ClientPermission::feed: return "feed";
    case ClientPermission::report: return "report";
    case ClientPermission::introspect: return "introspect";
  }
  LK_ASSERT(false);
  return {};
}

std::optional<ClientPermission> parse_client_permission(std::string_view name) {
  for (const ClientPermission permission : kClientPermissions) {
    if (client_permission_name(permission) == name) return permission;
  }
  return std::nullopt;
}

bool Client::is_for(OrganizationId organization) const {
  return organizations.empty() ||
         std::binary_search(organizations.begin(), organizations.end(), organization);
}

std::string client_key(std::string_view name) { return ascii_lower(name); }

Result<void> check_client_name(std::string_view name, std::string_view field) {
  if (name.empty()) return invalid_field(field, "must not be empty");
  if (name.size() > kNameMax) return invalid_field(field, "must be at most 64 characters long");
  if (!std::all_of(name.begin(), name.end(), is_name_character)) {
    return invalid_field(field, "must have only letters a-z, digits, '.', '_' and '-'");
  }
  if (!is_ascii_letter(name[0]) && !is_ascii_digit(name[0])) {
    return invalid_field(field, "must begin with a letter or a digit");
  }
  return {};
}

std::string client_event_data(const Client& client) {
  json::array may;
  for (const ClientPermission permission : kClientPermissions) {
    if (client.may.has(permission)) may.emplace_back(client_permission_name(permission));
  }
  json::array organizations;
  for (const OrganizationId id : client.organizations) organizations.emplace_back(format_id(id));
  return format_json(
      json::object{{"may", std::move(may)}, {"organizations", std::move(organizations)}});
}

}  // namespace latchkey::core
