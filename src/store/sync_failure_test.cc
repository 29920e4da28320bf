// Rule S32: after a sync that failed nothing is acknowledged that a loss of power takes back.
#include <gtest/gtest.h>

#include <filesystem>

#include "store/event_rows.h"
#include "store/forgetful_disk_for_test.h"
#include "store/mail_rows.h"
#include "store/sqlite_driver.h"
#include "store/test_store.h"

namespace latchkey::store {
namespace {

class SyncFailure : public testing::Test {
 protected:
  SyncFailure() { open("latchkey.db"); }

  void open(const std::string& path, int checkpoint_pages = kCheckpointPages) {
    world_ = std::make_unique<TestStore>([path, checkpoint_pages](const std::string& folder) {
      // A path that is not absolute is in the folder.
      return open_sqlite(std::filesystem::path(folder) / path, SqliteAccess::exclusive,
                         checkpoint_pages);
    });
    path_ = std::filesystem::path(world_->folder()) / path;
  }
  // The store as a new process finds it after a kill of this one, which never ends in order.
  void kill_and_open() {
    const std::string after = path_ + "+";
    disk_.kill(path_, after);
    ended_.push_back(std::move(world_));
    open(after);
  }
  // The store as a new process finds it when the power came back.
  void lose_power_and_open() {
    const std::string after = path_ + "+";
    disk_.lose_power(path_, after);
    ended_.push_back(std::move(world_));
    open(after);
  }

  // One change of the state; whether it was acknowledged.
  bool change(size_t data_bytes = 0) {
    const std::string data = R"({"x":")" + std::string(data_bytes, 'x') + R"("})";
    const bool done =
        world_->store()
            .write([&](WriteTx& tx) -> Result<void> {
              const core::EventDraft draft{.action = core::Action::organization_created,
                                           .organization = std::nullopt,
                                           .actor = std::nullopt,
                                           .subjects = {},
                                           .data = data};
              LK_CHECK(tx.append(draft, {}));
              return {};
            })
            .has_value();
    if (done) ++acknowledged_;
    return done;
  }
  uint64_t events() { return world_->store().head().revision.number; }
  bool audit_holds() { return verify_audit(world_->store(), {}).has_value(); }

  ForgetfulDisk disk_;
  std::string path_;
  std::vector<std::unique_ptr<TestStore>> ended_;  // until the test is over
  std::unique_ptr<TestStore> world_;
  uint64_t acknowledged_ = 0;
};

TEST_F(SyncFailure, ACommitThatWasNotSyncedIsNotAcknowledged) {
  ASSERT_TRUE(change());
  disk_.fail_syncs("-wal", 1);
  EXPECT_FALSE(change());
  EXPECT_EQ(disk_.failures_left(), 0);
  lose_power_and_open();
  EXPECT_GE(events(), acknowledged_);
  EXPECT_TRUE(audit_holds());
}

TEST_F(SyncFailure, NothingMoreIsWrittenUntilARestart) {
  ASSERT_TRUE(change());
  disk_.fail_syncs("-wal", 1);
  EXPECT_FALSE(change());
  EXPECT_FALSE(change());
  EXPECT_TRUE(world_->store().needs_restart());
  kill_and_open();
  EXPECT_FALSE(world_->store().needs_restart());
  EXPECT_TRUE(change());
  EXPECT_TRUE(audit_holds());
}

// The commit is found in the page cache by the next process, and what that one writes stands on it.
TEST_F(SyncFailure, WhatARestartFindsIsSyncedBeforeTheNextChange) {
  ASSERT_TRUE(change());
  disk_.fail_syncs("-wal", 1);
  EXPECT_FALSE(change());
  disk_.fail_syncs(".db+", 1);  // the checkpoint that opening makes by itself
  kill_and_open();
  ASSERT_EQ(disk_.failures_left(), 0);
  ASSERT_TRUE(change());
  const uint64_t acknowledged_at = events();
  lose_power_and_open();
  EXPECT_GE(events(), acknowledged_at);
  EXPECT_TRUE(audit_holds());
}

// A checkpoint that a reader cut short has written pages and not synced them. If the sync of the
// next one fails, a third would write the rest alone, and the file that has them all is reused.
TEST_F(SyncFailure, ACheckpointThatWasNotSyncedEndsWriting) {
  open("small.db", 150);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(change(3000));  // on pages that nothing else changes
  ASSERT_TRUE(world_->store().read([&](ReadTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run("SELECT count(*) FROM events"));
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(change());  // checkpoints up to where we read
    return {};
  }));
  disk_.fail_syncs(".db", 1);
  for (int i = 0; i < 20; ++i) change();
  EXPECT_EQ(disk_.failures_left(), 0);
  lose_power_and_open();
  EXPECT_GE(events(), acknowledged_);
  EXPECT_TRUE(audit_holds());
}

}  // namespace
}  // namespace latchkey::store
