#include "core/client.h"

#include <gtest/gtest.h>

namespace latchkey::core {
namespace {

OrganizationId organization(uint8_t last) {
  OrganizationId id;
  id.uuid.bytes[15] = last;
  return id;
}

TEST(Client, IsForAllOrganizationsOrThoseThatAreNamed) {
  Client client;
  EXPECT_TRUE(client.is_for(organization(1)));
  client.organizations = {organization(2), organization(4)};
  EXPECT_FALSE(client.is_for(organization(1)));
  EXPECT_TRUE(client.is_for(organization(2)));
  EXPECT_FALSE(client.is_for(organization(3)));
  EXPECT_TRUE(client.is_for(organization(4)));
}

TEST(Client, PermissionsHaveOneNameEach) {
  uint32_t bits = 0;
  for (const ClientPermission permission : kClientPermissions) {
    EXPECT_EQ(parse_client_permission(client_permission_name(permission)), permission);
    bits |= static_cast<uint32_t>(permission);
  }
  EXPECT_EQ(bits, kClientPermissionBits);
  EXPECT_FALSE(parse_client_permission("Feed"));
  EXPECT_FALSE(parse_client_permission(""));
  ClientPermissions may;
  may.add(ClientPermission::report);
  EXPECT_TRUE(may.has(ClientPermission::report));
  EXPECT_FALSE(may.has(ClientPermission::feed));
}

TEST(Client, NamesAreCheckedByRule) {
  for (const char* good : {"a", "gate-1", "GATE_2.eu", "7"}) {
    EXPECT_TRUE(check_client_name(good, "name")) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("-a"), std::string("a b"), std::string("a:b"), std::string("ä"),
        std::string(65, 'a'), std::string("a\n")}) {
    const auto checked = check_client_name(bad, "name");
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().field, "name");
  }
  EXPECT_TRUE(check_client_name(std::string(64, 'a'), "name"));
  EXPECT_EQ(client_key("Gate-1"), "gate-1");
}

TEST(Client, EventDataSaysWhatItMay) {
  Client client;
  client.may.add(ClientPermission::report);
  client.may.add(ClientPermission::feed);
  EXPECT_EQ(client_event_data(client), R"({"may":["feed","report"],"organizations":[]})");
  client.organizations = {organization(1)};
  EXPECT_EQ(client_event_data(client), R"({"may":["feed","report"],"organizations":[)"
                                       R"("00000000-0000-0000-0000-000000000001"]})");
}

}  // namespace
}  // namespace latchkey::core
