#include "store/sqlite_driver.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "store/identity_rows.h"
#include "store/test_store.h"
#include "store/token_rows.h"
#include "store/usage_rows.h"

namespace latchkey::store {
namespace {

class SqliteDriver : public testing::Test {
 protected:
  SqliteDriver() { world_.close(); }
  std::unique_ptr<Connection> connect() {
    if (!driver_) {
      auto driver = open_sqlite(world_.database_path(), SqliteAccess::exclusive);
      EXPECT_TRUE(driver);
      driver_ = *std::move(driver);
    }
    auto connection = driver_->connect();
    EXPECT_TRUE(connection);
    return *std::move(connection);
  }
  int64_t number(Connection& connection, std::string_view sql) {
    int64_t value = -1;
    EXPECT_TRUE(connection.run(sql, {}, [&](const Row& row) -> Result<void> {
      value = row.integer(0);
      return {};
    }));
    return value;
  }

  TestStore world_;
  std::unique_ptr<Driver> driver_;
};

TEST_F(SqliteDriver, OpensDurablyAndStrictly) {
  const auto connection = connect();
  EXPECT_EQ(number(*connection, "PRAGMA synchronous"), 2);
  EXPECT_EQ(number(*connection, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(number(*connection, "PRAGMA secure_delete"), 1);
  std::string mode;
  ASSERT_TRUE(connection->run("PRAGMA journal_mode", {}, [&](const Row& row) -> Result<void> {
    mode = row.text(0);
    return {};
  }));
  EXPECT_EQ(mode, "wal");
}

TEST_F(SqliteDriver, KeepsTheFilesToTheirOwner) {
  std::filesystem::permissions(world_.database_path(), std::filesystem::perms::all);
  world_.reopen();
  for (const auto& entry : std::filesystem::directory_iterator(world_.folder())) {
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
  }
}

TEST_F(SqliteDriver, LocksOutASecond) {
  const auto connection = connect();
  for (const auto access : {SqliteAccess::exclusive, SqliteAccess::read_only}) {
    const auto second = open_sqlite(world_.database_path(), access);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::store_unavailable);
  }
}

TEST_F(SqliteDriver, LetsGoOfItsLock) {
  { const auto connection = connect(); }
  driver_.reset();
  EXPECT_TRUE(open_sqlite(world_.database_path(), SqliteAccess::exclusive));
}

TEST_F(SqliteDriver, RefusesAMissingFolder) {
  const auto driver = open_sqlite(world_.folder() + "/none/latchkey.db", SqliteAccess::exclusive);
  ASSERT_FALSE(driver);
  EXPECT_EQ(driver.error().code, ErrorCode::store_unavailable);
}

TEST_F(SqliteDriver, ReadOnlyReadsAndDoesNotWrite) {
  auto driver = open_sqlite(world_.database_path(), SqliteAccess::read_only);
  ASSERT_TRUE(driver);
  // Several readers at once are fine.
  ASSERT_TRUE(open_sqlite(world_.database_path(), SqliteAccess::read_only));
  auto store = open_store(*std::move(driver),
                          {world_.clock(), world_.entropy(), world_.log(), world_.row_keys()});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(verify_audit(**store, {}));
  const auto written = (*store)->write([](WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.append({}, {}));
    return {};
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::store_unavailable);
}

TEST_F(SqliteDriver, AnOlderSchemaIsNotReadAtRest) {
  ASSERT_TRUE(connect()->run("UPDATE schema_version SET version = 1"));
  driver_.reset();
  auto driver = open_sqlite(world_.database_path(), SqliteAccess::read_only);
  ASSERT_TRUE(driver);
  const auto store = open_store(
      *std::move(driver), {world_.clock(), world_.entropy(), world_.log(), world_.row_keys()});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::configuration);
}

TEST_F(SqliteDriver, AHeldLockServesADriverOfItsHolder) {
  auto lock = lock_sqlite(world_.database_path(), SqliteAccess::exclusive);
  ASSERT_TRUE(lock);
  ASSERT_FALSE(open_sqlite(world_.database_path(), SqliteAccess::read_only));
  ASSERT_TRUE(open_locked_sqlite(world_.database_path(), SqliteAccess::read_only, *lock));
  ASSERT_FALSE(open_sqlite(world_.database_path(), SqliteAccess::read_only));
  { const SqliteLock given_up = *std::move(lock); }
  EXPECT_TRUE(open_sqlite(world_.database_path(), SqliteAccess::exclusive));
}

TEST_F(SqliteDriver, BindsByNumberWhateverTheOrder) {
  const auto connection = connect();
  std::string text;
  ASSERT_TRUE(connection->run("SELECT $2 || $3 || $1 || $2", {"a", "b", "c"},
                              [&](const Row& row) -> Result<void> {
                                text = row.text(0);
                                return {};
                              }));
  EXPECT_EQ(text, "bcab");
}

TEST_F(SqliteDriver, KeepsEmptyApartFromNull) {
  const auto connection = connect();
  int rows = 0;
  ASSERT_TRUE(connection->run("SELECT $1, $2, $3",
                              {std::string_view(), std::span<const uint8_t>(), nullptr},
                              [&](const Row& row) -> Result<void> {
                                ++rows;
                                EXPECT_FALSE(row.is_null(0));
                                EXPECT_FALSE(row.is_null(1));
                                EXPECT_TRUE(row.is_null(2));
                                return {};
                              }));
  EXPECT_EQ(rows, 1);
}

TEST_F(SqliteDriver, ErrorsHoldNoValues) {
  const auto connection = connect();
  ASSERT_TRUE(connection->run_script("CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER) STRICT"));
  ASSERT_TRUE(connection->run("INSERT INTO t VALUES ($1, $2)", {"secret", 1}));
  const auto taken = connection->run("INSERT INTO t VALUES ($1, $2)", {"secret", 1});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::already_exists);
  EXPECT_EQ(taken.error().field, "t.a");
  const auto wrong = connection->run("INSERT INTO t VALUES ($1, $2)", {"x", "secret"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::store_unavailable);
  EXPECT_EQ(wrong.error().message.find("secret"), std::string::npos);
}

TEST_F(SqliteDriver, RefusesARowOfAnotherSize) {
  const auto connection = connect();
  const auto outcome = connection->run("SELECT x'0011'", {}, [](const Row& row) -> Result<void> {
    EXPECT_EQ(row.bytes<32>(0), Digest{});
    return {};
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::integrity_violated);
}

TEST_F(SqliteDriver, RunsAStatementInsideItself) {
  const auto connection = connect();
  constexpr std::string_view kSql = "SELECT 1 UNION ALL SELECT 2";
  int rows = 0;
  ASSERT_TRUE(connection->run(kSql, {}, [&](const Row&) -> Result<void> {
    LK_CHECK(connection->run(kSql, {}, [&](const Row&) -> Result<void> {
      ++rows;
      return {};
    }));
    return {};
  }));
  EXPECT_EQ(rows, 4);
}

TEST_F(SqliteDriver, SurvivesMoreStatementsThanItKeeps) {
  const auto connection = connect();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 600; ++i) {
      ASSERT_EQ(number(*connection, "SELECT " + std::to_string(i)), i);
    }
  }
}

TEST_F(SqliteDriver, RefusesToGoOnWhenTheEngineEndedTheTransaction) {
  const auto connection = connect();
  ASSERT_TRUE(connection->run_script("CREATE TABLE t (a INTEGER UNIQUE) STRICT"));
  ASSERT_TRUE(connection->run("BEGIN IMMEDIATE"));
  ASSERT_TRUE(connection->run("INSERT INTO t VALUES (1)"));
  // OR ROLLBACK makes the engine end the transaction, as a full disk does.
  ASSERT_FALSE(connection->run("INSERT OR ROLLBACK INTO t VALUES (1)"));
  ASSERT_FALSE(connection->run("INSERT INTO t VALUES (2)"));
  ASSERT_FALSE(connection->run("COMMIT"));
  ASSERT_TRUE(connection->run("ROLLBACK"));
  EXPECT_EQ(number(*connection, "SELECT COUNT(*) FROM t"), 0);
  ASSERT_TRUE(connection->run("INSERT INTO t VALUES (2)"));
}

// Watches how the engine runs the statements of a reader.
class ExplainingConnection final : public Connection {
 public:
  explicit ExplainingConnection(Connection& connection) : connection_(connection) {}
  Result<int64_t> run(std::string_view sql, std::span<const Value> parameters,
                      const RowCallback&) override {
    return connection_.run("EXPLAIN QUERY PLAN " + std::string(sql), parameters,
                           [&](const Row& row) -> Result<void> {
                             plan += std::string(row.text(3)) + "\n";
                             return {};
                           });
  }
  Result<void> run_script(std::string_view) override { return {}; }
  std::string plan;

 private:
  Connection& connection_;
};

TEST_F(SqliteDriver, ListsTokensInTheOrderOfAnIndex) {
  const auto connection = connect();
  for (const auto sort : {TokenSort::display_name, TokenSort::created, TokenSort::status,
                          TokenSort::expires, TokenSort::last_used}) {
    for (const auto filter : {TokenFilter::active, TokenFilter::expired, TokenFilter::all}) {
      ExplainingConnection explaining(*connection);
      ReadTx tx(explaining, world_.row_keys(), world_.log());
      TokenQuery query;
      query.sort = sort;
      query.filter = filter;
      query.search = "x";
      query.after.emplace(sort == TokenSort::status ? "0:x" : "1", core::TokenId{});
      ASSERT_TRUE(list_tokens(tx, query));
      EXPECT_EQ(explaining.plan.find("TEMP B-TREE"), std::string::npos) << explaining.plan;
      EXPECT_EQ(explaining.plan.find("SCAN"), std::string::npos) << explaining.plan;
    }
  }
}

TEST_F(SqliteDriver, SumsUsageByIndexesAndSortsNothing) {
  const auto connection = connect();
  ExplainingConnection explaining(*connection);
  ReadTx tx(explaining, world_.row_keys(), world_.log());
  ASSERT_TRUE(sum_token_days(tx, core::PersonId{}, core::OrganizationId{}, 1, 100));
  EXPECT_NE(explaining.plan.find("tokens_by_start"), std::string::npos) << explaining.plan;
  EXPECT_EQ(explaining.plan.find("TEMP B-TREE"), std::string::npos) << explaining.plan;
  EXPECT_EQ(explaining.plan.find("SCAN"), std::string::npos) << explaining.plan;
}

}  // namespace
}  // namespace latchkey::store
