// Rotation of the row key in the store: rows under an older key are read while it is here, signed
// anew page by page, and refused when it is gone.
#include <map>

#include "contract.h"
#include "store/client_rows.h"
#include "store/event_rows.h"
#include "store/resign.h"

namespace latchkey::store {
namespace {

Hmac second_key() {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes;
  bytes.fill(9);
  return Hmac(SecretKey(bytes));
}

class RowKeyRotation : public StoreContract {
 protected:
  void SetUp() override {
    add_owner();
    ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
      const Instant now = world_.clock().now();
      LK_CHECK(upsert_membership(tx, {organization_.id, owner_.person.id, core::Role::owner, now}));
      session_ = {new_id<core::SessionId>(),   owner_.person.id, new_digest(), now, now,
                  now + std::chrono::hours(1), "192.0.2.1",      "curl"};
      LK_CHECK(insert_session(tx, session_));
      link_.id = new_id<core::LinkId>();
      link_.kind = LinkKind::invitation;
      link_.digest = new_digest();
      link_.expires_at = now + std::chrono::hours(1);
      link_.organization = organization_.id;
      link_.role = core::Role::reader;
      link_.email = "carl@example.com";
      LK_CHECK(insert_link(tx, link_));
      client_.client = {new_id<core::ClientId>(), "gate", {1}, {organization_.id}, now};
      client_.digest = new_digest();
      LK_CHECK(insert_client(tx, client_));
      for (core::Token* token : {&first_, &second_}) {
        *token = make_token("build");
        LK_CHECK(put_token(tx, *token));
      }
      return {};
    }));
    ASSERT_OK(audit());
  }
  void rotate() { world_.row_keys().add(core::RowKeyId{2}, second_key()); }
  void retire() { world_.row_keys().remove(core::RowKeyId{1}); }
  // Signs all rows anew, `limit` at a time; how many of each table.
  std::map<SignedTable, uint64_t> resign_all(int limit) {
    std::map<SignedTable, uint64_t> resigned;
    for (const SignedTable table : kSignedTables) {
      std::optional<RowPosition> after = RowPosition{};
      while (after) {
        ResignedPage page;
        const auto done = store().write([&](WriteTx& tx) -> Result<void> {
          LK_TRY(page, resign_page(tx, table, *after, limit));
          if (page.resigned > 0) LK_CHECK(tx.append(draft(), {}));
          return {};
        });
        EXPECT_TRUE(done) << done.error().message;
        resigned[table] += page.resigned;
        after = page.next;
      }
    }
    return resigned;
  }
  // How many of the rows of SetUp are found.
  int found() {
    return read<int>([&](ReadTx& tx) -> Result<int> {
      LK_TRY(const auto person, find_person(tx, owner_.person.id));
      LK_TRY(const auto organization, find_organization(tx, organization_.id));
      LK_TRY(const auto membership, find_membership(tx, organization_.id, owner_.person.id));
      LK_TRY(const auto session, find_session(tx, session_.id));
      LK_TRY(const auto link, find_link(tx, link_.id));
      LK_TRY(const auto token, find_token(tx, first_.id));
      LK_TRY(const auto client, find_client(tx, client_.client.id));
      return person.has_value() + organization.has_value() + membership.has_value() +
             session.has_value() + link.has_value() + client.has_value() +
             (token && is_ours(tx, *token));
    });
  }
  bool head_is_new() {
    return read<bool>([](ReadTx& tx) { return head_is_signed_now(tx); });
  }

  SessionRow session_;
  LinkRow link_;
  ClientRow client_;
  core::Token first_;
  core::Token second_;
};

TEST_P(RowKeyRotation, RowsOfTheOldKeyAreReadWhileItIsHere) {
  rotate();
  EXPECT_EQ(found(), 7);
  EXPECT_EQ(person_count(), 1u);
  EXPECT_FALSE(head_is_new());
  ASSERT_OK(audit());
  ASSERT_OK(change([](WriteTx&) { return Result<void>(); }));
  EXPECT_TRUE(head_is_new());
  ASSERT_OK(audit());
  world_.reopen();
  EXPECT_EQ(found(), 7);
}

TEST_P(RowKeyRotation, RowsOfTheOldKeyAreRefusedWhenItIsGone) {
  rotate();
  ASSERT_OK(change([](WriteTx&) { return Result<void>(); }));  // the head is under the new one
  retire();
  EXPECT_EQ(found(), 0);
  EXPECT_CODE(audit(), integrity_violated);
}

TEST_P(RowKeyRotation, AStoreWhoseHeadIsUnderNoKeyIsNotOpened) {
  rotate();
  retire();
  world_.close();
  const auto opened = world_.open();
  EXPECT_CODE(opened, integrity_violated);
  EXPECT_NE(opened.error().message.find("that is here (2)"), std::string::npos);
}

TEST_P(RowKeyRotation, EveryRowIsSignedAnewOnce) {
  for (const int limit : {1, 2, 100}) {
    SCOPED_TRACE(limit);
    std::array<uint8_t, SecretKey::kSizeBytes> bytes;
    bytes.fill(static_cast<uint8_t>(100 + limit));
    const auto before = world_.row_keys().now()->current_id();
    world_.row_keys().add(core::RowKeyId{before.number + 1}, Hmac(SecretKey(bytes)));
    const auto resigned = resign_all(limit);
    EXPECT_EQ(resigned.at(SignedTable::tokens), 2u);
    for (const auto table :
         {SignedTable::people, SignedTable::memberships, SignedTable::sessions, SignedTable::links,
          SignedTable::organizations, SignedTable::clients}) {
      EXPECT_EQ(resigned.at(table), 1u) << table_name(table);
    }
    ASSERT_OK(audit());
    for (const auto& [table, rows] : resign_all(limit)) EXPECT_EQ(rows, 0u) << table_name(table);
    EXPECT_TRUE(head_is_new());
    world_.row_keys().remove(before);
    EXPECT_EQ(found(), 7);
    ASSERT_OK(audit());
    world_.reopen();
    ASSERT_OK(audit());
  }
}

TEST_P(RowKeyRotation, AForgedRowIsNotSigned) {
  rotate();
  ASSERT_OK(store().write_aside([&](WriteTx& tx) {
    return tx.connection().run_script(
        "UPDATE memberships SET role = 1;"
        "UPDATE people SET is_operator = 1;"
        "UPDATE sessions SET expires_at = expires_at + 1;"
        "UPDATE links SET role = 4;"
        "UPDATE clients SET permissions = 7;"
        "UPDATE organizations SET name = 'evil', name_key = 'evil';"
        "UPDATE tokens SET scope = 'app_token'");
  }));
  for (const auto& [table, rows] : resign_all(100)) EXPECT_EQ(rows, 0u) << table_name(table);
  EXPECT_EQ(found(), 0);
  EXPECT_CODE(audit(), integrity_violated);
}

// One that cannot even be read does not keep the others from being signed.
TEST_P(RowKeyRotation, AnImpossibleRowIsPassedOver) {
  rotate();
  ASSERT_OK(store().write_aside([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run(
        GetParam().words("UPDATE tokens SET mac = x'00' WHERE token_id = $1"), {first_.id}));
    return tx.connection().run_script("UPDATE people SET state = 77");
  }));
  const auto resigned = resign_all(100);
  EXPECT_EQ(resigned.at(SignedTable::tokens), 1u);
  EXPECT_EQ(resigned.at(SignedTable::people), 0u);
  EXPECT_EQ(resigned.at(SignedTable::sessions), 1u);
}

// A read that began before the old key was removed goes on with what it sees.
TEST_P(RowKeyRotation, AReadThatBeganBeforeGoesOn) {
  rotate();
  ASSERT_OK(change([](WriteTx&) { return Result<void>(); }));
  ASSERT_OK(store().read([&](ReadTx& tx) -> Result<void> {
    retire();
    LK_TRY(const auto person, find_person(tx, owner_.person.id));
    EXPECT_TRUE(person);
    return {};
  }));
  EXPECT_EQ(found(), 0);
}

LATCHKEY_CONTRACT(RowKeyRotation);

}  // namespace
}  // namespace latchkey::store
