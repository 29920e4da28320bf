#include "store/row_mac.h"

#include "base/secret.h"
#include "core/canonical_bytes.h"

namespace latchkey::store {
namespace {

using core::CanonicalBytes;

// Each separates its table's bytes from all others that the row key signs; the number is the form's
// version.
constexpr std::string_view kPersonDomain = "latchkey.person-row.v1";
constexpr std::string_view kMembershipDomain = "latchkey.membership-row.v1";
constexpr std::string_view kSessionDomain = "latchkey.session-row.v1";
constexpr std::string_view kLinkDomain = "latchkey.link-row.v1";
constexpr std::string_view kOrganizationDomain = "latchkey.organization-row.v1";
constexpr std::string_view kClientDomain = "latchkey.client-row.v1";

template <class Enum>
uint64_t number_of(Enum value) {
  return static_cast<uint64_t>(value);
}

}  // namespace

Digest person_mac(const Hmac& row_key, const PersonRow& row) {
  const core::Person& person = row.person;
  CanonicalBytes canonical;
  canonical.add(kPersonDomain);
  canonical.add(person.id);
  canonical.add(std::string_view(person.email));
  canonical.add(number_of(person.state));
  canonical.add(number_of(person.is_operator));
  canonical.add(std::string_view(row.password_hash));
  canonical.add(row.password_changed_at);
  return row_key(canonical.bytes());
}

Digest membership_mac(const Hmac& row_key, const core::Membership& membership) {
  CanonicalBytes canonical;
  canonical.add(kMembershipDomain);
  canonical.add(membership.organization);
  canonical.add(membership.person);
  canonical.add(number_of(membership.role));
  canonical.add(membership.created_at);
  return row_key(canonical.bytes());
}

Digest session_mac(const Hmac& row_key, const SessionRow& row) {
  CanonicalBytes canonical;
  canonical.add(kSessionDomain);
  canonical.add(row.id);
  canonical.add(row.person);
  canonical.add(row.digest);
  canonical.add(row.created_at);
  canonical.add(row.expires_at);
  return row_key(canonical.bytes());
}

Digest link_mac(const Hmac& row_key, const LinkRow& row) {
  CanonicalBytes canonical;
  canonical.add(kLinkDomain);
  canonical.add(row.id);
  canonical.add(number_of(row.kind));
  canonical.add(row.digest);
  canonical.add(row.created_at);
  canonical.add(row.expires_at);
  canonical.add(row.person);
  canonical.add(row.organization);
  canonical.add(row.role ? number_of(*row.role) : 0);
  canonical.add(std::string_view(row.email));
  return row_key(canonical.bytes());
}

Digest organization_mac(const Hmac& row_key, const core::Organization& organization) {
  CanonicalBytes canonical;
  canonical.add(kOrganizationDomain);
  canonical.add(organization.id);
  canonical.add(std::string_view(organization.name));
  canonical.add(number_of(organization.state));
  canonical.add(organization.deleted_at);
  return row_key(canonical.bytes());
}

Digest client_mac(const Hmac& row_key, const ClientRow& row) {
  const core::Client& client = row.client;
  Bytes organizations;
  for (const core::OrganizationId& id : client.organizations) {
    organizations.insert(organizations.end(), id.uuid.bytes.begin(), id.uuid.bytes.end());
  }
  CanonicalBytes canonical;
  canonical.add(kClientDomain);
  canonical.add(client.id);
  canonical.add(std::string_view(client.name));
  canonical.add(uint64_t{client.may.bits});
  canonical.add(std::span<const uint8_t>(organizations));
  canonical.add(row.digest);
  canonical.add(client.created_at);
  return row_key(canonical.bytes());
}

RowCheck::~RowCheck() {
  if (forged_ == 0 || on_forged_ == OnForged::fail) return;
  tx_.log().error("store.row_refused",
                  {{"table", table_}, {"row", first_}, {"rows", static_cast<int64_t>(forged_)}});
}

Result<bool> RowCheck::refuse(const std::function<std::string()>& name) {
  if (on_forged_ == OnForged::fail) {
    return Error(ErrorCode::integrity_violated, name() + ": its row was changed");
  }
  if (forged_++ == 0) first_ = name();
  return false;
}

}  // namespace latchkey::store
