// Moving a store from SQLite to PostgreSQL, whole or not at all.
#include "store/move_store.h"

#include <algorithm>
#include <thread>

#include "contract.h"
#include "store/mail_rows.h"
#include "store/sqlite_driver.h"

namespace latchkey::store {
namespace {

constexpr int kTokensAtOnce = 20;

const Engine& sqlite() { return engines().front(); }

class MoveStore : public testing::Test {
 protected:
  MoveStore() : world_(sqlite().open), place_(world_.folder() + "/moved") {}

  core::EventDraft draft() {
    core::EventDraft made;
    made.action = core::Action::token_created;
    made.data = "{}";
    return made;
  }
  // One organization and person with this many tokens, one of them revoked.
  void fill(int tokens) {
    organization_.id = *core::make_id<core::OrganizationId>(world_.entropy());
    organization_.name = "contoso";
    PersonRow person;
    person.person.id = *core::make_id<core::PersonId>(world_.entropy());
    person.person.email = "ada@example.com";
    person.person.is_operator = true;  // as who sets up
    person.person.created_at = world_.clock().now();
    core::EventDraft made;
    made.action = core::Action::person_created;
    made.subjects = {{core::SubjectKind::person, person.person.id.uuid}};
    made.data = "{}";
    core::EventDraft also;
    also.action = core::Action::organization_created;
    also.organization = organization_.id;
    also.subjects = {{core::SubjectKind::organization, organization_.id.uuid}};
    also.data = "{}";
    ASSERT_OK(world_.store().write([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(insert_organization(tx, organization_));
      LK_CHECK(insert_person(tx, person));
      LK_CHECK(tx.append(made, {}));
      LK_CHECK(tx.append(also, {}));
      return {};
    }));
    // A few at once, since each token's row is looked up in its event.
    for (int first = 0; first < tokens; first += kTokensAtOnce) {
      const auto add = [&](WriteTx& tx) -> Result<void> {
        for (int i = first; i < std::min(tokens, first + kTokensAtOnce); ++i) {
          LK_CHECK(add_token(tx, person.person.id, i));
        }
        LK_CHECK(tx.append(draft(), {}));
        return {};
      };
      ASSERT_OK(world_.store().write(add));
    }
    ASSERT_OK(
        world_.store().write_aside([](WriteTx& tx) { return save_cursor(tx, "notifier", {2}); }));
    from_ = world_.store().head();
    world_.close();
  }
  Result<void> add_token(WriteTx& tx, core::PersonId owner, int number) {
    core::Token token;
    LK_TRY(token.id, core::make_id<core::TokenId>(world_.entropy()));
    LK_CHECK(world_.entropy().fill(token.digest));
    token.organization = organization_.id;
    token.owner = owner;
    token.display_name = "t\xc3\xb6ken " + std::to_string(number);
    token.scope = "vso.code";
    token.valid_from = world_.clock().now();
    token.valid_to = token.valid_from + std::chrono::days(30);
    if (number == 0) {
      token.state = core::TokenState::revoked;
      token.revoked_at = token.valid_from;
    }
    return insert_token(tx, token, core::token_row_mac(tx.row_key(), token));
  }
  StoreDependencies dependencies() {
    return {world_.clock(), world_.entropy(), world_.log(), world_.row_keys()};
  }
  Result<MoveReport> move(const MoveProgress& progress = {}) {
    LK_TRY(const auto source, open_sqlite(world_.database_path(), SqliteAccess::read_only));
    LK_TRY(auto target, open_alone());
    return move_store(*source, make_faulty_driver(std::move(target), world_.fault()),
                      dependencies(), progress);
  }
  // The sessions of before may be about to end.
  Result<std::unique_ptr<Driver>> open_alone() {
    auto target = open_postgres_in(place_, PostgresAccess::exclusive);
    for (int i = 0; i < 100 && !target && target.error().code == ErrorCode::conflict; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      target = open_postgres_in(place_, PostgresAccess::exclusive);
    }
    return target;
  }
  Result<std::unique_ptr<Store>> open_moved() {
    LK_TRY(auto driver, open_postgres_in(place_));
    return open_store(std::move(driver), dependencies());
  }
  void run_past(const std::string& sql) {
    auto connection = PostgresConnection::open(postgres_target_in(place_), {}, true);
    ASSERT_TRUE(connection);
    ASSERT_OK((*connection)->run_script(sql));
  }

  TestStore world_;
  const std::string place_;
  core::Organization organization_;
  LogHead from_;
};

TEST_F(MoveStore, AllIsThereAndGoesOnInANewEpoch) {
  fill(1203);
  uint64_t last = 0;
  MoveProgress progress;
  progress.on_rows = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_LE(done, total);
    last = done;
  };
  const auto report = move(progress);
  ASSERT_OK(report);
  EXPECT_EQ(report->copied, report->rows);
  EXPECT_EQ(last, report->rows);
  EXPECT_EQ(report->audit.tokens, 1203u);
  EXPECT_EQ(report->from.hash, from_.hash);
  const auto moved = open_moved();
  ASSERT_OK(moved);
  EXPECT_EQ((*moved)->head().epoch, report->epoch);
  EXPECT_NE(report->epoch, from_.epoch);
  EXPECT_EQ((*moved)->head().revision.number, from_.revision.number + 1);
  ASSERT_OK(verify_audit(**moved, {}));
  ASSERT_OK(verify_rights(**moved));
  ASSERT_OK((*moved)->read([&](ReadTx& tx) -> Result<void> {
    LK_TRY(const auto cursor, load_cursor(tx, "notifier"));
    EXPECT_EQ(cursor.number, 2u);
    return {};
  }));
  // The source is as it was.
  ASSERT_OK(world_.open());
  EXPECT_EQ(world_.store().head().position(), from_.position());
}

TEST_F(MoveStore, ARunThatWasEndedIsGoneOnWithAndNoServerOpensAHalf) {
  fill(1300);
  world_.fault().arm(1800);
  EXPECT_CODE(move(), store_unavailable);
  EXPECT_CODE(open_moved(), configuration);
  world_.fault().disarm();
  const auto report = move();
  ASSERT_OK(report);
  EXPECT_LT(report->copied, report->rows);
  EXPECT_GT(report->copied, 0u);
  ASSERT_OK(open_moved());
}

TEST_F(MoveStore, ATargetWithAStoreIsRefused) {
  fill(1);
  ASSERT_OK(open_moved());
  EXPECT_CODE(move(), conflict);
}

TEST_F(MoveStore, AHalfOfAnotherStoreIsRefused) {
  fill(1);
  ASSERT_OK(move());
  run_past(
      "UPDATE schema_version SET version = -1; CREATE TABLE moved_from (hash BYTEA);"
      "INSERT INTO moved_from VALUES (decode(repeat('00', 32), 'hex'))");
  EXPECT_CODE(move(), conflict);
}

// A row that was changed, lost or put in on its way keeps the copy from being opened.
TEST_F(MoveStore, ACopyThatDoesNotVerifyIsNotOpened) {
  fill(1200);
  int calls = 0;
  MoveProgress progress;
  progress.on_rows = [&](uint64_t done, uint64_t) {
    if (done > 1000 && ++calls == 1) run_past("UPDATE people SET is_operator = 0");
  };
  EXPECT_CODE(move(progress), integrity_violated);
  EXPECT_CODE(open_moved(), configuration);
}

}  // namespace
}  // namespace latchkey::store
