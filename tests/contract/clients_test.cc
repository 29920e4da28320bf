// Rows of clients: what is written is read, unique rules hold, and what was written past the server
// is as if it were not there.
#include "base/bytes.h"
#include "contract.h"
#include "store/client_rows.h"

namespace latchkey::store {
namespace {

const std::string kOtherId = "x'00112233445566778899aabbccddeeff'";
const std::string kOtherDigest =
    "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";

class ClientsContract : public StoreContract {
 protected:
  ClientRow make_client(std::string name, std::vector<core::OrganizationId> organizations = {}) {
    ClientRow row;
    row.client = {new_id<core::ClientId>(),
                  std::move(name),
                  {5},
                  std::move(organizations),
                  world_.clock().now()};
    std::sort(row.client.organizations.begin(), row.client.organizations.end());
    row.digest = new_digest();
    return row;
  }
  void put(const ClientRow& row) {
    ASSERT_OK(change([&](WriteTx& tx) { return insert_client(tx, row); }));
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const auto& row :
         read<std::vector<ClientRow>>([](ReadTx& tx) { return list_clients(tx); })) {
      names.push_back(row.client.name);
    }
    return names;
  }
  void tamper(const std::string& sql) { ASSERT_OK(run_past(sql)); }
  void expect_named(const std::string& named) {
    const auto report = audit();
    EXPECT_CODE(report, integrity_violated);
    EXPECT_EQ(report.error().message.find(named), 0u) << report.error().message;
  }
};
LATCHKEY_CONTRACT(ClientsContract);

using Names = std::vector<std::string>;

TEST_P(ClientsContract, AreReadBackListedByNameAndDeleted) {
  const ClientRow row =
      make_client("Gate-2", {new_id<core::OrganizationId>(), new_id<core::OrganizationId>()});
  put(row);
  put(make_client("gate-1"));
  EXPECT_EQ(names(), (Names{"gate-1", "Gate-2"}));
  const auto found =
      read<std::optional<ClientRow>>([&](ReadTx& tx) { return find_client_by_key(tx, "gate-2"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->client.id, row.client.id);
  EXPECT_EQ(found->client.name, "Gate-2");
  EXPECT_EQ(found->client.may, row.client.may);
  EXPECT_EQ(found->client.organizations, row.client.organizations);
  EXPECT_EQ(found->client.created_at, row.client.created_at);
  EXPECT_EQ(found->digest, row.digest);
  EXPECT_TRUE(
      read<std::optional<ClientRow>>([&](ReadTx& tx) { return find_client(tx, row.client.id); }));
  ASSERT_OK(audit());
  ASSERT_OK(change([&](WriteTx& tx) { return delete_client(tx, row.client.id); }));
  EXPECT_EQ(names(), Names{"gate-1"});
  EXPECT_FALSE(
      read<std::optional<ClientRow>>([&](ReadTx& tx) { return find_client(tx, row.client.id); }));
}

TEST_P(ClientsContract, NamesAreUniqueWithoutCase) {
  put(make_client("gate"));
  const auto outcome = change([&](WriteTx& tx) { return insert_client(tx, make_client("GATE")); });
  EXPECT_CODE(outcome, already_exists);
  EXPECT_EQ(outcome.error().field, "name");
}

TEST_P(ClientsContract, AForgedRowIsNotThere) {
  put(make_client("kept"));
  for (const std::string& assignment :
       {"client_id = " + kOtherId, std::string("name = 'evil'"), std::string("name_key = 'evil'"),
        std::string("permissions = 7"), std::string("organizations = x''"),
        "digest = " + kOtherDigest, std::string("created_at = created_at + 1"),
        std::string("mac = zeroblob(32)"), std::string("mac = x''")}) {
    SCOPED_TRACE(assignment);
    put(make_client("gate", {new_id<core::OrganizationId>()}));
    ASSERT_OK(audit());
    tamper("UPDATE clients SET " + assignment + " WHERE name = 'gate'");
    EXPECT_EQ(names(), Names{"kept"});
    for (const char* key : {"gate", "evil"}) {
      EXPECT_FALSE(
          read<std::optional<ClientRow>>([&](ReadTx& tx) { return find_client_by_key(tx, key); }));
    }
    expect_named("client ");
    tamper("DELETE FROM clients WHERE name <> 'kept'");
    ASSERT_OK(audit());
  }
}

TEST_P(ClientsContract, ARowThatWasPutInIsNotThere) {
  put(make_client("kept"));
  tamper("INSERT INTO clients SELECT " + kOtherId +
         ", 'evil', 'evil', permissions, organizations, " + kOtherDigest +
         ", created_at, mac FROM clients");
  EXPECT_EQ(names(), Names{"kept"});
  expect_named("client 00112233-4455-6677-8899-aabbccddeeff: its row was changed");
}

TEST_P(ClientsContract, AnImpossibleRowIsRefused) {
  put(make_client("gate", {new_id<core::OrganizationId>()}));
  for (const char* assignment : {"permissions = 0", "permissions = 8", "permissions = -1",
                                 "organizations = x'00'", "digest = x'00'"}) {
    SCOPED_TRACE(assignment);
    tamper("CREATE TABLE kept AS SELECT * FROM clients;");
    tamper(std::string("UPDATE clients SET ") + assignment);
    const auto listed = store().read([](ReadTx& tx) -> Result<void> {
      LK_CHECK(list_clients(tx));
      return {};
    });
    EXPECT_CODE(listed, integrity_violated);
    tamper("DELETE FROM clients; INSERT INTO clients SELECT * FROM kept; DROP TABLE kept;");
  }
  EXPECT_EQ(names(), Names{"gate"});
}

}  // namespace
}  // namespace latchkey::store
