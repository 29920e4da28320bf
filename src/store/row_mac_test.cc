#include "store/row_mac.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/bytes.h"

namespace latchkey::store {
namespace {

Uuid uuid_of(uint8_t last) {
  Uuid uuid;
  uuid.bytes[15] = last;
  return uuid;
}

Hmac row_key(uint8_t first) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = first;
  return Hmac(SecretKey(bytes));
}

PersonRow some_person() {
  PersonRow row;
  row.person.id = {uuid_of(1)};
  row.person.email = "ada@example.com";
  row.person.display_name = "Ada";
  row.password_hash = "$argon2id$x";
  return row;
}

core::Membership some_membership() {
  return {{uuid_of(2)}, {uuid_of(1)}, core::Role::reader, Instant{1'000}};
}

SessionRow some_session() {
  SessionRow row;
  row.id = {uuid_of(3)};
  row.person = {uuid_of(1)};
  row.digest[0] = 7;
  row.created_at = row.last_seen_at = {1'000};
  row.expires_at = {2'000};
  return row;
}

LinkRow some_link() {
  LinkRow row;
  row.id = {uuid_of(4)};
  row.kind = LinkKind::invitation;
  row.digest[0] = 7;
  row.created_at = {1'000};
  row.expires_at = {2'000};
  row.organization = core::OrganizationId{uuid_of(2)};
  row.role = core::Role::reader;
  row.email = "bob@example.com";
  return row;
}

core::Organization some_organization() {
  core::Organization organization;
  organization.id = {uuid_of(2)};
  organization.name = "Contoso";
  return organization;
}

// Whether each of `changes` gives a row another MAC than the row and all others have.
template <class T>
void expect_all_differ(const std::function<std::string(const T&)>& mac_of, const T& row,
                       const std::vector<std::function<void(T&)>>& changes) {
  std::set<std::string> seen = {mac_of(row)};
  for (size_t i = 0; i < changes.size(); ++i) {
    T changed = row;
    changes[i](changed);
    EXPECT_TRUE(seen.insert(mac_of(changed)).second) << "change " << i;
  }
}

TEST(RowMac, OfAPersonChangesWithEveryFieldThatDecides) {
  const auto mac_of = [](const PersonRow& row) { return format_hex(person_mac(row_key(1), row)); };
  using Row = PersonRow;
  expect_all_differ<Row>(
      mac_of, some_person(),
      {[](Row& r) { r.person.id = {uuid_of(9)}; },
       [](Row& r) { r.person.email = "bda@example.com"; },
       [](Row& r) { r.person.state = core::PersonState::disabled; },
       [](Row& r) { r.person.is_operator = true; }, [](Row& r) { r.password_hash = "$argon2id$y"; },
       [](Row& r) { r.password_hash.clear(); }, [](Row& r) { r.password_changed_at = Instant{0}; },
       [](Row& r) { r.password_changed_at = Instant{5}; }});
  PersonRow seen = some_person();
  seen.person.last_sign_in_at = Instant{7};
  seen.person.display_name = "Countess";
  EXPECT_EQ(mac_of(seen), mac_of(some_person()));
}

TEST(RowMac, OfAMembershipChangesWithEveryField) {
  using Row = core::Membership;
  expect_all_differ<Row>(
      [](const Row& row) { return format_hex(membership_mac(row_key(1), row)); }, some_membership(),
      {[](Row& r) { r.organization = {uuid_of(9)}; }, [](Row& r) { r.person = {uuid_of(9)}; },
       [](Row& r) { std::swap(r.organization.uuid, r.person.uuid); },
       [](Row& r) { r.role = core::Role::owner; }, [](Row& r) { r.created_at.ms += 1; }});
}

TEST(RowMac, OfASessionChangesWithEveryFieldThatDecides) {
  using Row = SessionRow;
  const auto mac_of = [](const Row& row) { return format_hex(session_mac(row_key(1), row)); };
  expect_all_differ<Row>(
      mac_of, some_session(),
      {[](Row& r) { r.id = {uuid_of(9)}; }, [](Row& r) { r.person = {uuid_of(9)}; },
       [](Row& r) { r.digest[31] = 1; }, [](Row& r) { r.created_at.ms += 1; },
       [](Row& r) { r.expires_at.ms += 1; },
       [](Row& r) { std::swap(r.created_at, r.expires_at); }});
  SessionRow seen = some_session();
  seen.last_seen_at.ms += 5;
  EXPECT_EQ(mac_of(seen), mac_of(some_session()));
}

TEST(RowMac, OfALinkChangesWithEveryField) {
  using Row = LinkRow;
  expect_all_differ<Row>(
      [](const Row& row) { return format_hex(link_mac(row_key(1), row)); }, some_link(),
      {[](Row& r) { r.id = {uuid_of(9)}; }, [](Row& r) { r.kind = LinkKind::password_reset; },
       [](Row& r) { r.digest[0] = 8; }, [](Row& r) { r.created_at.ms += 1; },
       [](Row& r) { r.expires_at.ms += 1; }, [](Row& r) { r.person = core::PersonId{uuid_of(2)}; },
       [](Row& r) { r.person = core::PersonId{uuid_of(2)}, r.organization.reset(); },
       [](Row& r) { r.organization.reset(); }, [](Row& r) { r.role = core::Role::owner; },
       [](Row& r) { r.role.reset(); }, [](Row& r) { r.email = "eve@example.com"; }});
}

TEST(RowMac, OfAnOrganizationChangesWithEveryFieldThatDecides) {
  using Row = core::Organization;
  expect_all_differ<Row>(
      [](const Row& row) { return format_hex(organization_mac(row_key(1), row)); },
      some_organization(),
      {[](Row& r) { r.id = {uuid_of(9)}; }, [](Row& r) { r.name = "contoso"; },
       [](Row& r) { r.state = core::OrganizationState::deleted; },
       [](Row& r) { r.deleted_at = Instant{0}; }, [](Row& r) { r.deleted_at = Instant{1}; }});
}

TEST(RowMac, OfAClientChangesWithEveryField) {
  using Row = ClientRow;
  Row row;
  row.client.id = {uuid_of(1)};
  row.client.name = "gate";
  row.client.may.bits = 1;
  row.client.organizations = {core::OrganizationId{uuid_of(2)}};
  row.client.created_at = {1'000};
  expect_all_differ<Row>(
      [](const Row& r) { return format_hex(client_mac(row_key(1), r)); }, row,
      {[](Row& r) { r.client.id = {uuid_of(9)}; }, [](Row& r) { r.client.name = "Gate"; },
       [](Row& r) { r.client.may.bits = 2; }, [](Row& r) { r.client.organizations.clear(); },
       [](Row& r) { r.client.organizations.push_back(core::OrganizationId{uuid_of(3)}); },
       [](Row& r) { r.digest[31] = 1; }, [](Row& r) { r.client.created_at.ms += 1; }});
}

TEST(RowMac, DependsOnTheKeyAndOnTheTable) {
  EXPECT_NE(person_mac(row_key(1), some_person()), person_mac(row_key(2), some_person()));
  std::set<std::string> seen;
  const Hmac key = row_key(1);
  for (const Digest& mac : {person_mac(key, {}), membership_mac(key, {}), session_mac(key, {}),
                            link_mac(key, {}), organization_mac(key, {}), client_mac(key, {})}) {
    EXPECT_TRUE(seen.insert(format_hex(mac)).second);
  }
}

// The forms are stored: a change of one would refuse every row. Computed by a second implementation
// of docs/spec/row-mac.md.
TEST(RowMac, IsTheKnownOne) {
  const Hmac key = row_key(1);
  EXPECT_EQ(format_hex(person_mac(key, some_person())),
            "2f0c2f4a0241e4e428188379a9f15bd13df6f933145ba37cfc47394256074846");
  EXPECT_EQ(format_hex(membership_mac(key, some_membership())),
            "84f1e4d264396eb0744c221c91dc8a30530a71aa06186f38950a4e18439387e6");
  EXPECT_EQ(format_hex(session_mac(key, some_session())),
            "6c1df918112cf9a941c6d2d37d42558a24f2a126b79d223b16f7455f89712a0d");
  EXPECT_EQ(format_hex(link_mac(key, some_link())),
            "eff745b11a6bfe716905a8db34d69a50c91f05cc7eb6919d872bd36d3bd3f501");
  EXPECT_EQ(format_hex(organization_mac(key, some_organization())),
            "22c589b4b752172dd139ea8e7d72000592e7cae93df954a04cea6275b0f6e4e7");
}

}  // namespace
}  // namespace latchkey::store
