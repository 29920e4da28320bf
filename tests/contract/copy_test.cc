// Copies: one state while others write; what a database is; and the log that goes on from a copy.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "contract.h"
#include "store/event_rows.h"
#include "store/inspect.h"

namespace latchkey::store {
namespace {

class CopyContract : public StoreContract {
 protected:
  CopyContract() { std::filesystem::create_directory(folder_); }
  Result<void> append(int count) {
    for (int i = 0; i < count; ++i) {
      LK_CHECK(change([](WriteTx&) -> Result<void> { return {}; }));
    }
    return {};
  }
  Result<void> copy() { return store().copy_to(copy_path_, {}); }
  Result<DatabaseFacts> inspect(const std::string& folder) {
    LK_TRY(const auto driver, GetParam().open(folder));
    return inspect_database(*driver, core::RowKeyView(world_.row_keys()));
  }
  Result<std::unique_ptr<Store>> open_copy() {
    LK_TRY(auto driver, GetParam().open(folder_));
    return open_store(std::move(driver),
                      {world_.clock(), world_.entropy(), world_.log(), world_.row_keys()});
  }
  // The revisions that the log of this store gives after `head`.
  Result<std::vector<uint64_t>> after(const LogHead& head) {
    world_.close();
    LK_TRY(const auto driver, GetParam().open(world_.folder()));
    LK_TRY(const auto connection, driver->connect());
    std::vector<uint64_t> revisions;
    LK_CHECK(read_log_after(*connection, core::RowKeyView(world_.row_keys()), head,
                            [&](const core::Event& event) -> Result<void> {
                              revisions.push_back(event.revision.number);
                              return {};
                            }));
    return revisions;
  }
  // PostgreSQL has tools of its own for it.
  static bool copies_itself() { return GetParam().name == "sqlite"; }
  void expect_no_copy() {
    const auto copied = store().copy_to(copy_path_, {});
    EXPECT_CODE(copied, configuration);
    EXPECT_NE(copied.error().message.find("pg_basebackup"), std::string::npos);
  }
  void tamper(const std::string& sql) { ASSERT_OK(run_past(sql)); }

  const std::string folder_ = world_.folder() + "/copy";
  const std::string copy_path_ = folder_ + "/latchkey.db";
};
LATCHKEY_CONTRACT(CopyContract);

TEST_P(CopyContract, IsOneStateWhileOthersWrite) {
  if (!copies_itself()) return expect_no_copy();
  add_owner();
  tamper("CREATE TABLE filler (bytes BLOB)");
  for (int i = 0; i < 40; ++i) tamper("INSERT INTO filler VALUES (zeroblob(500000))");
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::jthread writer([&] {
    while (!stop) {
      ASSERT_OK(change([&](WriteTx& tx) { return put_token(tx, make_token("t")); }));
      ++written;
    }
  });
  while (written == 0) std::this_thread::yield();
  const LogHead before = store().head();
  int begun_at = 0;
  uint64_t last = 0;
  ASSERT_OK(store().copy_to(copy_path_, [&](uint64_t done, uint64_t total) {
    if (last == 0) begun_at = written;
    EXPECT_GT(done, last) << "the copy began again";
    EXPECT_LE(done, total);
    last = done;
    // Each step meets a write: so the copy is of one state, or it would never end.
    const int seen = written;
    while (written == seen) std::this_thread::yield();
    return true;
  }));
  EXPECT_GT(written, begun_at + 10);
  stop = true;
  writer.join();
  const auto facts = inspect(folder_);
  ASSERT_OK(facts);
  EXPECT_GE(facts->head.revision, before.revision);
  EXPECT_LT(facts->head.revision, store().head().revision);
  EXPECT_EQ(facts->head.epoch, before.epoch);
  EXPECT_EQ(facts->digest_keys.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(copy_path_ + "-wal"));
  const auto opened = open_copy();
  ASSERT_OK(opened);
  ASSERT_OK(verify_audit(**opened, {}));
}

TEST_P(CopyContract, EndsWhenAskedToAndNeverOverwrites) {
  if (!copies_itself()) return expect_no_copy();
  EXPECT_CODE(store().copy_to(copy_path_, [](uint64_t, uint64_t) { return false; }), conflict);
  EXPECT_CODE(copy(), configuration);  // what the first left behind
  EXPECT_CODE(store().copy_to(folder_ + "/none/latchkey.db", {}), configuration);
  ASSERT_OK(append(1));
}

TEST_P(CopyContract, InspectSaysWhatItIsAndWhoseItIs) {
  if (!copies_itself()) return expect_no_copy();
  ASSERT_OK(append(3));
  ASSERT_OK(copy());
  const auto facts = inspect(folder_);
  ASSERT_OK(facts);
  EXPECT_EQ(facts->head.position(), store().head().position());
  EXPECT_EQ(facts->head.hash, store().head().hash);
  EXPECT_TRUE(facts->digest_keys.empty());
  {
    const auto driver = GetParam().open(folder_);
    ASSERT_OK(driver);
    EXPECT_EQ(static_cast<size_t>(facts->schema_version), (*driver)->migrations().size());
    const Hmac other{SecretKey(std::array<uint8_t, 32>{})};
    const core::RowKeys others({{core::RowKeyId{1}, other}});
    EXPECT_CODE(inspect_database(**driver, core::RowKeyView(others)), integrity_violated);
    const auto connection = (*driver)->connect();
    ASSERT_OK((*connection)->run("UPDATE schema_version SET version = version + 1"));
    EXPECT_CODE(inspect_database(**driver, core::RowKeyView(world_.row_keys())), configuration);
  }
  const std::string empty = world_.folder() + "/empty";
  std::filesystem::create_directory(empty);
  EXPECT_CODE(inspect(empty), configuration);
}

TEST_P(CopyContract, TheLogGoesOnFromACopy) {
  ASSERT_OK(append(3));
  const LogHead backup = store().head();
  ASSERT_OK(append(4));
  const auto since = after(backup);
  ASSERT_OK(since);
  EXPECT_EQ(*since, (std::vector<uint64_t>{4, 5, 6, 7}));
  const auto all = after(LogHead());
  ASSERT_OK(all);
  EXPECT_EQ(all->size(), 7u);
}

TEST_P(CopyContract, AnotherLogDoesNotGoOnFromIt) {
  ASSERT_OK(append(3));
  LogHead backup = store().head();
  backup.hash[0] ^= 1;
  EXPECT_CODE(after(backup), conflict);
  backup.hash[0] ^= 1;
  backup.revision.number = 9;  // later than all
  EXPECT_CODE(after(backup), conflict);
}

TEST_P(CopyContract, AnEventOfTheTimeSinceThatWasChangedIsFound) {
  ASSERT_OK(append(3));
  const LogHead backup = store().head();
  ASSERT_OK(append(4));
  tamper("UPDATE events SET data = '{\"x\":1}' WHERE revision = 5");
  EXPECT_CODE(after(backup), integrity_violated);
  world_.reopen();
  tamper("DELETE FROM event_contexts WHERE revision = 5; DELETE FROM events WHERE revision = 5");
  EXPECT_CODE(after(backup), integrity_violated);
}

}  // namespace
}  // namespace latchkey::store
