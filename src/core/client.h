// A client: a gate or a resource server with a credential of its own.
//
// It is no person and has no role. What it may do is said when it is made and never changes: hear
// the change feed, report uses, ask about tokens; in all organizations, or in those that are named.
// Thread safety: values and pure functions. Spec: docs/spec/machine-clients.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/ids.h"

namespace latchkey::core {

inline constexpr size_t kClientsMax = 1000;
inline constexpr size_t kClientOrganizationsMax = 100;
// What the text of its secret begins with.
inline constexpr std::string_view kClientSecretPrefix = "lkc_";

// Bits are stored: do not change them.
enum class ClientPermission { feed = 1, report = 2, introspect = 4 };
inline constexpr ClientPermission kClientPermissions[] = {
    ClientPermission::feed, ClientPermission::report, ClientPermission::introspect};
std::string_view client_permission_name(ClientPermission permission);  // "feed"
std::optional<ClientPermission> parse_client_permission(std::string_view name);

// Permissions as bits.
struct ClientPermissions {
  uint32_t bits = 0;
  void add(ClientPermission permission) { bits |= static_cast<uint32_t>(permission); }
  bool has(ClientPermission permission) const {
    return (bits & static_cast<uint32_t>(permission)) != 0;
  }
  friend bool operator==(ClientPermissions, ClientPermissions) = default;
};
inline constexpr uint32_t kClientPermissionBits = 7;  // of all

struct Client {
  ClientId id;
  std::string name;
  ClientPermissions may;
  std::vector<OrganizationId> organizations;  // ascending, each once; empty: all
  Instant created_at;

  // Whether what concerns `organization` is its business.
  bool is_for(OrganizationId organization) const;
};

// What names are compared by.
std::string client_key(std::string_view name);
// Errors: invalid_argument naming `field`.
Result<void> check_client_name(std::string_view name, std::string_view field);
// The data of the event that a client was added: {"may":[...],"organizations":[...]}.
std::string client_event_data(const Client& client);

}  // namespace latchkey::core
