// What only PostgreSQL has: several processes that write one database, and sessions that break.
#include <atomic>
#include <thread>

#include "contract.h"
#include "cutting_proxy.h"
#include "store/event_rows.h"
#include "store/shared_engine.h"

namespace latchkey::store {
namespace {

using namespace std::chrono_literals;

core::EventDraft draft() {
  core::EventDraft made;
  made.action = core::Action::person_changed;
  made.data = "{}";
  return made;
}

Result<Committed> append(Store& store) {
  return store.write([](WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.append(draft(), {}));
    return {};
  });
}

// Two nodes on one database, as two processes are.
class TwoNodes : public testing::Test {
 protected:
  TwoNodes() : first_([](const std::string& folder) { return open_postgres_in(folder); }) {
    second_ = open_second(postgres_target_in(first_.folder()));
    run_past("CREATE TABLE before AS SELECT * FROM log_head");
  }
  std::unique_ptr<Store> open_second(PostgresTarget target) {
    auto driver = open_postgres({std::move(target), PostgresAccess::shared, Uuid{{1}}});
    EXPECT_TRUE(driver);
    if (!driver) return nullptr;
    auto opened = open_store(*std::move(driver),
                             {first_.clock(), first_.entropy(), first_.log(), first_.row_keys()});
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *std::move(opened) : nullptr;
  }
  Store& first() { return first_.store(); }
  Store& second() { return *second_; }
  // Runs SQL past both.
  void run_past(const std::string& sql) {
    auto connection = PostgresConnection::open(postgres_target_in(first_.folder()), {}, true);
    ASSERT_TRUE(connection);
    const auto done = (*connection)->run_script(sql);
    ASSERT_TRUE(done) << done.error().message;
  }

  TestStore first_;
  std::unique_ptr<Store> second_;
};

TEST_F(TwoNodes, WriteOneLogWithoutGaps) {
  std::atomic<int> written{0};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&, i] {
        for (int n = 0; n < 10; ++n) {
          if (append(i % 2 == 0 ? first() : second())) ++written;
        }
      });
    }
  }
  EXPECT_EQ(written, 80);
  EXPECT_EQ(first().confirm_head()->revision.number, 80u);
  EXPECT_EQ(second().confirm_head()->revision.number, 80u);
  ASSERT_OK(verify_audit(second(), {}));
}

TEST_F(TwoNodes, WaitersWakeForTheOthersChange) {
  std::jthread writer([&] {
    std::this_thread::sleep_for(100ms);
    ASSERT_OK(append(first()));
  });
  const auto began = std::chrono::steady_clock::now();
  const auto events = second().events({0}, 10, 10s);
  ASSERT_OK(events);
  EXPECT_EQ(events->size(), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(second().head().revision.number, 1u);
}

TEST_F(TwoNodes, AListenerHearsOfACommitAtOnce) {
  auto driver = open_postgres_in(first_.folder());
  ASSERT_OK(driver);
  auto listener = (*driver)->shared()->listen();
  ASSERT_OK(listener);
  std::jthread writer([&] {
    std::this_thread::sleep_for(100ms);
    ASSERT_OK(append(first()));
  });
  const auto began = std::chrono::steady_clock::now();
  ASSERT_OK((*listener)->wait(20s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  (*listener)->wake();
  ASSERT_OK((*listener)->wait(20s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 15s);
}

// Should the notification be lost, the head is looked at all the same: the event is put in by
// hand, so nobody tells of it.
TEST_F(TwoNodes, ALostNotificationCostsAQuarterOfASecond) {
  ASSERT_OK(append(first()));
  run_past(
      "CREATE TABLE kept AS SELECT * FROM log_head; CREATE TABLE kept_events AS SELECT * FROM "
      "events");
  run_past("DELETE FROM event_contexts; DELETE FROM events; DELETE FROM log_head");
  run_past("INSERT INTO log_head SELECT * FROM before");
  const auto third = open_second(postgres_target_in(first_.folder()));
  ASSERT_TRUE(third);
  std::jthread writer([&] {
    std::this_thread::sleep_for(500ms);
    run_past(
        "INSERT INTO events SELECT * FROM kept_events; DELETE FROM log_head;"
        "INSERT INTO log_head SELECT * FROM kept");
  });
  const auto events = third->events({0}, 10, 10s);
  ASSERT_OK(events);
  EXPECT_EQ(events->size(), 1u);
}

TEST_F(TwoNodes, AConfirmedHeadHasWhatTheOtherCommitted) {
  ASSERT_OK(append(first()));
  EXPECT_EQ(second().confirm_head()->revision.number, 1u);
  EXPECT_EQ(second().confirm_head()->hash, first().head().hash);
}

TEST_F(TwoNodes, ABodySeesWhatTheOtherCommitted) {
  ASSERT_OK(first().write_aside([](WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run("INSERT INTO cursors (reader, revision) VALUES ('n', 0)"));
    return {};
  }));
  const auto increment = [](Store& store) {
    return store.write_aside([](WriteTx& tx) -> Result<void> {
      int64_t value = 0;
      LK_CHECK(tx.connection().run("SELECT revision FROM cursors WHERE reader = 'n'", {},
                                   [&](const Row& row) -> Result<void> {
                                     value = row.integer(0);
                                     return {};
                                   }));
      LK_CHECK(
          tx.connection().run("UPDATE cursors SET revision = $1 WHERE reader = 'n'", {value + 1}));
      return {};
    });
  };
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&, i] {
        for (int n = 0; n < 10; ++n) ASSERT_OK(increment(i % 2 == 0 ? first() : second()));
      });
    }
  }
  int64_t value = 0;
  ASSERT_OK(first().read([&](ReadTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run("SELECT revision FROM cursors", {},
                                 [&](const Row& row) -> Result<void> {
                                   value = row.integer(0);
                                   return {};
                                 }));
    return {};
  }));
  EXPECT_EQ(value, 40);
}

// Two that start at once on an empty database make its schema once.
TEST_F(TwoNodes, MakeTheSchemaOnce) {
  for (int round = 0; round < 3; ++round) {
    const std::string folder = first_.folder() + "/" + std::to_string(round);
    std::vector<std::unique_ptr<Store>> opened(4);
    const PostgresTarget target = postgres_target_in(folder);
    {
      std::vector<std::jthread> starters;
      for (auto& store : opened) {
        starters.emplace_back([&] { store = open_second(target.clone()); });
      }
    }
    for (const auto& store : opened) {
      ASSERT_TRUE(store);
      EXPECT_EQ(store->head().epoch, opened.front()->head().epoch);
    }
  }
}

// A failover that lost changes: the database goes on from before what this node knew.
TEST_F(TwoNodes, AnotherHistoryIsToldAndNothingIsWrittenOnIt) {
  ASSERT_OK(append(first()));
  run_past("CREATE TABLE kept AS SELECT * FROM log_head");
  ASSERT_OK(append(first()));
  ASSERT_OK(append(first()));
  ASSERT_OK(second().confirm_head());
  const core::Epoch epoch = second().head().epoch;
  run_past(
      "DELETE FROM event_contexts WHERE revision > 1; DELETE FROM events WHERE revision > 1;"
      "UPDATE log_head h SET revision = k.revision, hash = k.hash, signature = k.signature "
      "FROM kept k");
  EXPECT_CODE(second().confirm_head(), feed_truncated);
  EXPECT_CODE(append(second()), integrity_violated);
  EXPECT_CODE(second().events({3}, 10, 1s), feed_truncated);
  // A third node that never saw them goes on in the old epoch, up to the same revision.
  const auto third = open_second(postgres_target_in(first_.folder()));
  for (int i = 0; i < 3; ++i) ASSERT_OK(append(*third));
  EXPECT_CODE(second().confirm_head(), feed_truncated);
  EXPECT_CODE(append(second()), integrity_violated);
  // Who loads anew begins an epoch, so that everybody does.
  ASSERT_OK(second().accept_log());
  EXPECT_NE(second().head().epoch, epoch);
  ASSERT_OK(second().confirm_head());
  ASSERT_OK(append(second()));
  EXPECT_CODE(third->confirm_head(), feed_truncated);
  EXPECT_CODE(first().confirm_head(), feed_truncated);
  ASSERT_OK(third->accept_log());
  EXPECT_EQ(third->head().position(), second().head().position());
  ASSERT_OK(append(*third));
  ASSERT_OK(first().accept_log());
  EXPECT_EQ(first().head().position(), third->head().position());
  ASSERT_OK(verify_audit(first(), {}));
}

TEST_F(TwoNodes, AnOfflineToolAndNodesKeepEachOtherOut) {
  const auto open_alone = [&] {
    return open_postgres({postgres_target_in(first_.folder()), PostgresAccess::exclusive, Uuid{}});
  };
  EXPECT_CODE(open_alone(), conflict);
  second_.reset();
  first_.close();
  auto alone = open_alone();
  for (int i = 0; i < 50 && !alone; ++i) {  // the sessions of before are about to end
    std::this_thread::sleep_for(20ms);
    alone = open_alone();
  }
  ASSERT_OK(alone);
  EXPECT_CODE(first_.open(), conflict);
  EXPECT_CODE(open_alone(), conflict);
  {
    const auto store = open_store(
        *std::move(alone), {first_.clock(), first_.entropy(), first_.log(), first_.row_keys()});
    ASSERT_OK(store);
    ASSERT_OK(append(**store));
  }
  Result<void> opened = first_.open();
  for (int i = 0; i < 50 && !opened; ++i) {
    std::this_thread::sleep_for(20ms);
    opened = first_.open();
  }
  ASSERT_OK(opened);
  EXPECT_EQ(first().head().revision.number, 1u);
}

// A node that lost its listener cannot write beside an offline tool either.
TEST_F(TwoNodes, AToolKeepsOutWritersThatDoNotListen) {
  second_.reset();
  run_past(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE query = 'LISTEN latchkey_head' AND pid <> pg_backend_pid()");
  auto alone =
      open_postgres({postgres_target_in(first_.folder()), PostgresAccess::exclusive, Uuid{}});
  ASSERT_OK(alone);
  EXPECT_CODE(append(first()), store_unavailable);
  alone = Error(ErrorCode::internal, "");
  std::this_thread::sleep_for(200ms);
  ASSERT_OK(append(first()));
}

// A session that speaks through a proxy which cuts it at COMMIT.
class CutAtCommit : public TwoNodes, public testing::WithParamInterface<CuttingProxy::Cut> {
 protected:
  PostgresTarget target_through(CuttingProxy& proxy) {
    PostgresTarget target = postgres_target_in(first_.folder());
    for (auto& [name, value] : target.parameters) {
      if (name == "host") value = proxy.folder();
    }
    return target;
  }
};

TEST_P(CutAtCommit, TheChangeIsThereOnceAndTold) {
  CuttingProxy proxy(test_cluster().folder());
  const auto node = open_second(target_through(proxy));
  ASSERT_OK(append(*node));
  for (int round = 0; round < 3; ++round) {
    const uint64_t before = first().confirm_head()->revision.number;
    proxy.cut_next_commit(GetParam());
    const auto written = append(*node);
    ASSERT_OK(written);
    EXPECT_EQ(proxy.cuts(), round + 1);
    EXPECT_EQ(first().confirm_head()->revision.number, before + 1);
    EXPECT_EQ(written->revision.number, before + 1);
  }
  ASSERT_OK(verify_audit(first(), {}));
}

// The other node goes on from a commit whose answer was lost before anybody asked about it.
TEST_P(CutAtCommit, WhatOthersAppendedMeanwhileDoesNotConfuse) {
  CuttingProxy proxy(test_cluster().folder());
  const auto node = open_second(target_through(proxy));
  ASSERT_OK(append(*node));
  proxy.cut_next_commit(GetParam(), [&] { ASSERT_OK(append(first())); });
  ASSERT_OK(append(*node));
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_EQ(first().confirm_head()->revision.number, 3u);
  ASSERT_OK(verify_audit(first(), {}));
}

INSTANTIATE_TEST_SUITE_P(Moments, CutAtCommit,
                         testing::Values(CuttingProxy::Cut::before, CuttingProxy::Cut::after),
                         [](const auto& test) {
                           return test.param == CuttingProxy::Cut::before ? "before" : "after";
                         });

TEST_F(TwoNodes, SessionsThatAreEndedAreMadeAnew) {
  ASSERT_OK(append(first()));
  ASSERT_OK(second().confirm_head());
  for (int round = 0; round < 3; ++round) {
    run_past(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
    ASSERT_OK(append(first()));
    ASSERT_OK(append(second()));
    ASSERT_OK(first().confirm_head());
    ASSERT_OK(first().read([](ReadTx& tx) -> Result<void> {
      LK_CHECK(find_last_event(tx.connection()));
      return {};
    }));
  }
  EXPECT_EQ(first().confirm_head()->revision.number, 7u);
}

TEST_F(TwoNodes, AServerThatIsDownIsToldAndComesBack) {
  ASSERT_OK(append(first()));
  test_cluster().stop("immediate");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_CODE(append(first()), store_unavailable);
  EXPECT_CODE(first().confirm_head(), store_unavailable);
  EXPECT_CODE(first().read([](ReadTx&) { return Result<void>(); }), store_unavailable);
  EXPECT_CODE(first().events({1}, 10, 1s), store_unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
  test_cluster().start();
  ASSERT_OK(append(first()));
  EXPECT_EQ(second().confirm_head()->revision.number, 2u);
}

// Settings of the whole server while it lives; the next session has them.
class ChangedServer {
 public:
  explicit ChangedServer(const std::string& setting) {
    auto opened = PostgresConnection::open(target_, {}, true);
    LK_ASSERT(opened);
    connection_ = *std::move(opened);
    change("ALTER SYSTEM SET " + setting);
  }
  ~ChangedServer() { change("ALTER SYSTEM RESET ALL"); }
  Connection& connection() { return *connection_; }

 private:
  void change(const std::string& sql) {
    LK_ASSERT(connection_->run_script(sql));
    LK_ASSERT(connection_->run("SELECT pg_reload_conf()"));
    std::this_thread::sleep_for(300ms);
  }

  const PostgresTarget target_ = *parse_postgres_target(test_cluster().target("postgres"));
  std::unique_ptr<PostgresConnection> connection_;
};

// A commit that could not wait for its standby is there, and may be lost with this server.
TEST_F(TwoNodes, ACommitThatDidNotReachTheStandbyIsNotAcknowledged) {
  ASSERT_OK(append(first()));
  {
    ChangedServer server("synchronous_standby_names = 'nobody'");
    std::jthread canceller([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(100ms);
        (void)server.connection().run(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
      }
    });
    EXPECT_CODE(append(first()), store_unavailable);
    EXPECT_CODE(second().confirm_head(), store_unavailable);
  }
  ASSERT_OK(append(first()));
}

class PostgresSession : public testing::Test {
 protected:
  PostgresSession()
      : world_([](const std::string& folder) { return open_postgres_in(folder); }),
        target_(postgres_target_in(world_.folder())) {
    auto opened = PostgresConnection::open(target_, {5, 2s}, true);
    LK_ASSERT(opened);
    connection_ = *std::move(opened);
  }
  Connection& connection() { return *connection_; }

  TestStore world_;
  PostgresTarget target_;
  std::unique_ptr<PostgresConnection> connection_;
};

TEST_F(PostgresSession, AServerThatWouldForgetIsRefused) {
  {
    const ChangedServer server("fsync = off");
    const auto opened = PostgresConnection::open(target_, {}, true);
    EXPECT_CODE(opened, store_unavailable);
    EXPECT_NE(opened.error().message.find("fsync"), std::string::npos);
  }
  ASSERT_OK(PostgresConnection::open(target_, {}, true));
}

TEST_F(PostgresSession, ATransactionThatOnlyLooksLikeACommitIsNone) {
  ASSERT_OK(connection().run("BEGIN"));
  EXPECT_CODE(connection().run("SELECT nonsense"), store_unavailable);
  EXPECT_CODE(connection().run("COMMIT"), store_unavailable);  // it rolled back
}

TEST_F(PostgresSession, WhatRanLaterFailsWithTheNextAndEndsTheTransaction) {
  ASSERT_OK(connection().run_script("CREATE TABLE t (a BIGINT PRIMARY KEY)"));
  // Prepared before, so that it is the statement itself that learns of the failure.
  ASSERT_OK(connection().run("SELECT a FROM t WHERE a = $1", {1}));
  ASSERT_OK(connection().run_later("BEGIN"));
  ASSERT_OK(connection().run_later("SAVEPOINT one"));
  ASSERT_OK(connection().run_later("INSERT INTO t (a) VALUES ($1)", {1}));
  ASSERT_OK(connection().run_later("INSERT INTO t (a) VALUES ($1)", {1}));
  EXPECT_CODE(connection().run("SELECT a FROM t WHERE a = $1", {1}), already_exists);
  EXPECT_CODE(connection().run("ROLLBACK TO one"), store_unavailable);
  EXPECT_CODE(connection().run_later("RELEASE one"), store_unavailable);
  EXPECT_CODE(connection().run("COMMIT"), store_unavailable);
  ASSERT_OK(connection().run("ROLLBACK"));
  int rows = 0;
  ASSERT_OK(connection().run("SELECT a FROM t", {}, [&](const Row&) -> Result<void> {
    ++rows;
    return {};
  }));
  EXPECT_EQ(rows, 0);
}

TEST_F(PostgresSession, RowsOfAStatementWithinAnother) {
  std::vector<int64_t> seen;
  ASSERT_OK(connection().run("SELECT n FROM generate_series(1, 50) n", {},
                             [&](const Row& row) -> Result<void> {
                               int64_t square = 0;
                               LK_CHECK(connection().run("SELECT $1::bigint * $1", {row.integer(0)},
                                                         [&](const Row& inner) -> Result<void> {
                                                           square = inner.integer(0);
                                                           return {};
                                                         }));
                               seen.push_back(square);
                               return {};
                             }));
  ASSERT_EQ(seen.size(), 50u);
  EXPECT_EQ(seen.back(), 2500);
}

TEST_F(PostgresSession, ACallbackThatEndsAStatementLeavesTheSessionWhole) {
  const auto ended = connection().run(
      "SELECT n FROM generate_series(1, 1000) n", {},
      [](const Row&) -> Result<void> { return Error(ErrorCode::conflict, "enough"); });
  EXPECT_CODE(ended, conflict);
  ASSERT_OK(connection().run("SELECT 1"));
}

TEST_F(PostgresSession, NumbersOfEveryWidthAndNothing) {
  ASSERT_OK(connection().run_script(
      "CREATE TABLE t (a BIGINT, b INTEGER, c SMALLINT, d BYTEA, e TEXT, f BIGINT)"));
  const std::string bytes("\0\xff", 2);
  ASSERT_OK(connection().run(
      "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6)",
      {INT64_MIN, -2, 7, std::span<const uint8_t>(reinterpret_cast<const uint8_t*>("\0\xff"), 2),
       "", nullptr}));
  ASSERT_OK(
      connection().run("SELECT a, b, c, d, e, f FROM t", {}, [&](const Row& row) -> Result<void> {
        EXPECT_EQ(row.integer(0), INT64_MIN);
        EXPECT_EQ(row.integer(1), -2);
        EXPECT_EQ(row.integer(2), 7);
        EXPECT_EQ(row.blob(3).size(), 2u);
        EXPECT_EQ(row.blob(3)[1], 0xff);
        EXPECT_EQ(row.text(4), "");
        EXPECT_FALSE(row.is_null(4));
        EXPECT_TRUE(row.is_null(5));
        return {};
      }));
  EXPECT_CODE(connection().run("INSERT INTO t (b) VALUES ($1)", {INT64_MAX}), store_unavailable);
}

TEST_F(PostgresSession, ABrokenRuleNamesTheColumnAndNoValue) {
  ASSERT_OK(connection().run_script("CREATE TABLE t (a TEXT, b BIGINT, UNIQUE (a, b))"));
  ASSERT_OK(connection().run("INSERT INTO t VALUES ($1, $2)", {"secret", 1}));
  const auto again = connection().run("INSERT INTO t VALUES ($1, $2)", {"secret", 1});
  EXPECT_CODE(again, already_exists);
  EXPECT_EQ(again.error().field, "t.a, t.b");
  EXPECT_EQ(again.error().message, "");
}

TEST_F(PostgresSession, AnAnswerThatDoesNotComeEndsTheSession) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_CODE(connection().run("SELECT pg_sleep(20)"), store_unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_CODE(connection().run("SELECT 1"), store_unavailable);
}

TEST_F(PostgresSession, MoreStatementsThanAreKept) {
  for (int i = 0; i < 1100; ++i) {
    ASSERT_OK(connection().run("SELECT " + std::to_string(i)));
  }
  int64_t kept = 0;
  ASSERT_OK(connection().run("SELECT COUNT(*) FROM pg_prepared_statements", {},
                             [&](const Row& row) -> Result<void> {
                               kept = row.integer(0);
                               return {};
                             }));
  EXPECT_LE(kept, 513);
}

}  // namespace
}  // namespace latchkey::store
