// What the contract suite shares: the engines, and rows to write.
//
// Thread safety: one thread.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "postgres_engine.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/postgres_connection.h"
#include "store/test_store.h"
#include "store/token_rows.h"

namespace latchkey::store {

struct Engine {
  std::string name;
  DriverFactory open;
  // SQL of SQLite for changing rows past the store, in the words of this engine.
  std::function<std::string(const std::string&)> words;
};
// Every engine that the suite runs on.
const std::vector<Engine>& engines();

#define ASSERT_OK(expression)                                                        \
  do {                                                                               \
    const auto& ok_ = (expression);                                                  \
    ASSERT_TRUE(ok_) << error_name(ok_.error().code) << ": " << ok_.error().message; \
  } while (false)
#define EXPECT_CODE(expression, expected)                                      \
  do {                                                                         \
    const auto& code_ = (expression);                                          \
    ASSERT_FALSE(code_);                                                       \
    EXPECT_EQ(error_name(code_.error().code), error_name(ErrorCode::expected)) \
        << code_.error().message;                                              \
  } while (false)

// A test on one engine.
class StoreContract : public testing::TestWithParam<Engine> {
 protected:
  StoreContract() : world_(GetParam().open) {}

  Store& store() { return world_.store(); }
  template <class AnyId>
  AnyId new_id() {
    auto id = core::make_id<AnyId>(world_.entropy());
    EXPECT_TRUE(id);
    return *id;
  }
  Digest new_digest() {
    Digest digest{};
    EXPECT_TRUE(world_.entropy().fill(digest));
    return digest;
  }
  // Changes the database past the store.
  Result<void> run_past(const std::string& sql) {
    return store().write_aside(
        [&](WriteTx& tx) { return tx.connection().run_script(GetParam().words(sql)); });
  }
  // An event about nothing, for writes that need one.
  static core::EventDraft draft(std::string data = "{}") {
    core::EventDraft made;
    made.action = core::Action::person_changed;
    made.data = std::move(data);
    return made;
  }
  // Runs `body` with an event.
  Result<Committed> change(const WriteBody& body) {
    return store().write([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(body(tx));
      LK_CHECK(tx.append(draft(), {}));
      return {};
    });
  }
  core::Organization make_organization(std::string name) {
    core::Organization organization;
    organization.id = new_id<core::OrganizationId>();
    organization.name = std::move(name);
    organization.created_at = world_.clock().now();
    return organization;
  }
  PersonRow make_person(std::string email) {
    PersonRow row;
    row.person.id = new_id<core::PersonId>();
    row.person.email = std::move(email);
    row.person.display_name = "A Person";
    row.person.created_at = world_.clock().now();
    return row;
  }
  core::Token make_token(std::string name) {
    core::Token token;
    token.id = new_id<core::TokenId>();
    token.organization = organization_.id;
    token.owner = owner_.person.id;
    token.display_name = std::move(name);
    token.scope = "vso.code";
    token.valid_from = world_.clock().now();
    token.valid_to = token.valid_from + std::chrono::days(30);
    token.digest = new_digest();
    return token;
  }
  // An organization and a person, whose tokens the others are.
  void add_owner() {
    organization_ = make_organization("contoso");
    owner_ = make_person("owner@example.com");
    ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(insert_organization(tx, organization_));
      return insert_person(tx, owner_);
    }));
  }
  Result<void> put_token(WriteTx& tx, const core::Token& token) {
    return insert_token(tx, token, core::token_row_mac(tx.row_key(), token));
  }
  Result<void> replace_token(WriteTx& tx, const core::Token& token) {
    return update_token(tx, token, core::token_row_mac(tx.row_key(), token));
  }
  // Reads one value; the test fails when it cannot be read.
  template <class T>
  T read(const std::function<Result<T>(ReadTx&)>& body) {
    std::optional<T> value;
    const auto done = store().read([&](ReadTx& tx) -> Result<void> {
      LK_TRY(value, body(tx));
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    return value ? *std::move(value) : T{};
  }
  uint64_t person_count() {
    return read<uint64_t>([](ReadTx& tx) { return count_people(tx); });
  }
  Result<AuditReport> audit() { return verify_audit(store(), {}); }

  TestStore world_;
  core::Organization organization_;
  PersonRow owner_;
};

#define LATCHKEY_CONTRACT(suite)                                         \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, testing::ValuesIn(engines()), \
                           [](const auto& test) { return test.param.name; })

}  // namespace latchkey::store
