#include "app/keys.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace latchkey::app {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr Instant kNow{1'772'366'400'000};

class KeysTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "keysXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  Result<std::unique_ptr<Keys>> load(MissingKeys missing = MissingKeys::make) {
    return load_keys(folder_, missing, entropy_);
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status = {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }
  std::string keys(const std::string& name) { return folder_ + "/keys/" + name; }
  std::string folder_;
  SeededEntropy entropy_{7};
};

TEST_F(KeysTest, AreMadeOnceAndReadBack) {
  const auto made = load();
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const auto read = load(MissingKeys::refuse);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const Keys& first = **made;
  const Keys& again = **read;
  EXPECT_EQ(again.deployment_id(), first.deployment_id());
  const Digest row_mac = again.row_keys().now()->current()(as_bytes("x"));
  EXPECT_EQ(row_mac, first.row_keys().now()->current()(as_bytes("x")));
  const core::DigestKeyId id = again.digest_keys().current_id();
  EXPECT_EQ(id.view(), "AA");
  const auto digest = again.digest_keys().digest_of(id, "x");
  EXPECT_EQ(digest, first.digest_keys().digest_of(id, "x"));
  EXPECT_NE(digest, row_mac);
  ASSERT_EQ(again.digest_key_facts().size(), 1u);
  EXPECT_TRUE(again.digest_key_facts()[0].is_current);
  EXPECT_EQ(again.digest_key_facts()[0].made_at, first.digest_key_facts()[0].made_at);
  EXPECT_TRUE(again.unlogged().empty());
}

TEST_F(KeysTest, NobodyElseMayWriteIntoTheFolder) {
  for (const mode_t mode : {0770, 0707, 0777}) {
    chmod(folder_.c_str(), mode);
    const auto refused = make_data_dir(folder_);
    ASSERT_FALSE(refused.has_value()) << mode;
    EXPECT_EQ(refused.error().code, ErrorCode::configuration);
    EXPECT_THAT(refused.error().message, HasSubstr("type: chmod go-w " + folder_));
  }
  chmod(folder_.c_str(), 0755);
  EXPECT_TRUE(make_data_dir(folder_).has_value());
}

TEST_F(KeysTest, NobodyElseMayReadThem) {
  ASSERT_TRUE(load().has_value());
  EXPECT_EQ(mode_of(folder_ + "/keys"), 0700u);
  for (const char* name : {"digest-AA.key", "row.key", "deployment.json"}) {
    EXPECT_EQ(mode_of(keys(name)), 0600u);
    chmod(keys(name).c_str(), 0640);
    const auto refused = load();
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::configuration);
    EXPECT_THAT(refused.error().message, HasSubstr("type: chmod 600 " + keys(name)));
    chmod(keys(name).c_str(), 0600);
  }
  chmod((folder_ + "/keys").c_str(), 0750);
  const auto refused = load();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("chmod 700 " + folder_ + "/keys"));
}

TEST_F(KeysTest, AreNeverMadeForADatabaseThatIsThere) {
  std::ofstream(database_path(folder_)) << "x";
  EXPECT_FALSE(load().has_value());
  EXPECT_FALSE(fs::exists(keys("row.key")));
}

TEST_F(KeysTest, OfflineToolsMakeNone) {
  EXPECT_FALSE(load(MissingKeys::refuse).has_value());
  EXPECT_FALSE(fs::exists(folder_ + "/keys"));
}

TEST_F(KeysTest, KilledFirstStartBeginsAgain) {
  ASSERT_TRUE(load().has_value());
  fs::remove(keys("deployment.json"));
  fs::remove(keys("row.key"));
  std::ofstream(keys("row.key.new")) << "half";
  EXPECT_TRUE(load().has_value());
}

TEST_F(KeysTest, DamagedOnesAreRefusedByName) {
  ASSERT_TRUE(load().has_value());
  std::ofstream(keys("row.key"), std::ios::trunc) << "abcd\n";
  EXPECT_THAT(load().error().message, HasSubstr("row.key does not hold 64"));
  fs::remove(keys("row.key"));
  EXPECT_THAT(load().error().message, HasSubstr("row.key"));
  fs::remove(keys("digest-AA.key"));
  EXPECT_THAT(load().error().message, HasSubstr("digest-AA.key is missing"));
  std::ofstream(keys("deployment.json"), std::ios::trunc) << "{}";
  EXPECT_THAT(load().error().message, HasSubstr("deployment.json is damaged"));
}

TEST_F(KeysTest, OlderDigestKeysStay) {
  ASSERT_TRUE(load().has_value());
  std::ofstream(keys("digest-0z.key")) << std::string(64, 'a') << "\n";
  chmod(keys("digest-0z.key").c_str(), 0600);
  const auto both = load();
  ASSERT_TRUE(both.has_value()) << both.error().message;
  const core::DigestKeys& keys_here = (*both)->digest_keys();
  EXPECT_TRUE(keys_here.digest_of(*core::parse_digest_key_id("0z"), "x"));
  EXPECT_EQ(keys_here.current_id().view(), "AA");
  EXPECT_EQ((*both)->digest_key_facts().size(), 2u);
}

// An installation of before keys could be rotated: deployment.json names the current one only.
TEST_F(KeysTest, AnOlderDeploymentIsReadAndRotated) {
  ASSERT_TRUE(load().has_value());
  const std::string path = keys("deployment.json");
  const std::string id = format_uuid((*load())->deployment_id());
  std::ofstream(path, std::ios::trunc)
      << R"({"deploymentId":")" << id << R"(","currentDigestKey":"AA"})"
      << "\n";
  auto read = load();
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const auto facts = (*read)->digest_key_facts();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].made_at, file_time(keys("digest-AA.key")));
  ASSERT_TRUE((*read)->rotate_digest_key(entropy_, kNow).has_value());
  const auto later = (*load())->digest_key_facts();
  ASSERT_EQ(later.size(), 2u);
  EXPECT_EQ(later[later[0].is_current ? 1 : 0].made_at, facts[0].made_at);
}

TEST_F(KeysTest, ADigestKeyIsRotatedDurably) {
  auto running = load();
  ASSERT_TRUE(running.has_value());
  Keys& now = **running;
  const auto aa = now.digest_keys().current_id();
  const auto old_digest = now.digest_keys().digest_of(aa, "x");
  const auto made = now.rotate_digest_key(entropy_, kNow);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(made->view(), "AB");
  EXPECT_EQ(mode_of(keys("digest-AB.key")), 0600u);
  const auto again = load(MissingKeys::refuse);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  for (const Keys* each : {running->get(), again->get()}) {
    EXPECT_EQ(each->digest_keys().current_id(), *made);
    EXPECT_EQ(each->digest_keys().digest_of(aa, "x"), old_digest);
    EXPECT_NE(each->digest_keys().digest_of(*made, "x"), old_digest);
    EXPECT_EQ(each->digest_keys().digest_of(*made, "x"), now.digest_keys().digest_of(*made, "x"));
    const auto facts = each->digest_key_facts();
    ASSERT_EQ(facts.size(), 2u);
    const auto& newest = facts[facts[0].is_current ? 0 : 1];
    EXPECT_EQ(newest.id, *made);
    EXPECT_EQ(newest.made_at, kNow);
    ASSERT_EQ(each->unlogged().size(), 1u);
    EXPECT_EQ(each->unlogged()[0].action, core::Action::key_digest_rotated);
    EXPECT_EQ(each->unlogged()[0].data, R"({"key":"AB","previous":"AA"})");
  }
  ASSERT_TRUE(now.set_logged(now.unlogged()[0]).has_value());
  EXPECT_TRUE(now.unlogged().empty());
  EXPECT_TRUE((*load())->unlogged().empty());
}

TEST_F(KeysTest, ARetiredDigestKeyIsGoneAndItsIdIsSpent) {
  auto running = load();
  ASSERT_TRUE(running.has_value());
  Keys& now = **running;
  const auto aa = now.digest_keys().current_id();
  ASSERT_TRUE(now.rotate_digest_key(entropy_, kNow).has_value());
  ASSERT_TRUE(now.retire_digest_key(aa).has_value());
  EXPECT_FALSE(fs::exists(keys("digest-AA.key")));
  EXPECT_EQ(now.digest_keys().digest_of(aa, "x"), std::nullopt);
  EXPECT_EQ(now.digest_key_facts().size(), 1u);
  EXPECT_EQ(now.unlogged().back(),
            (UnloggedChange{core::Action::key_digest_retired, R"({"key":"AA"})"}));
  auto again = load();
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ((*again)->digest_keys().digest_of(aa, "x"), std::nullopt);
  EXPECT_EQ((*again)->rotate_digest_key(entropy_, kNow)->view(), "AC");
}

// Each step of a rotation and of a retirement, as a kill after it leaves the folder.
TEST_F(KeysTest, KilledChangesHaveHappenedOrHaveNot) {
  ASSERT_TRUE(load().has_value());
  std::ofstream(keys("digest-AB.key.new")) << "half";
  EXPECT_EQ((*load())->digest_keys().current_id().view(), "AA");
  // The file is there, deployment.json does not name it: it is an old key that nobody uses.
  std::ofstream(keys("digest-AB.key")) << std::string(64, 'a') << "\n";
  chmod(keys("digest-AB.key").c_str(), 0600);
  auto after_file = load();
  ASSERT_TRUE(after_file.has_value()) << after_file.error().message;
  EXPECT_EQ((*after_file)->digest_keys().current_id().view(), "AA");
  EXPECT_EQ((*after_file)->digest_key_facts().size(), 2u);
  EXPECT_EQ((*after_file)->rotate_digest_key(entropy_, kNow)->view(), "AC");
  // Retired in deployment.json, the file still there: it is removed, and never read.
  const std::string kept = *read_small_file(keys("digest-AA.key"));
  ASSERT_TRUE((*after_file)->retire_digest_key(*core::parse_digest_key_id("AA")).has_value());
  std::ofstream(keys("digest-AA.key")) << kept;
  chmod(keys("digest-AA.key").c_str(), 0600);
  const auto aa = *core::parse_digest_key_id("AA");
  EXPECT_EQ((*load(MissingKeys::refuse))->digest_keys().digest_of(aa, "x"), std::nullopt);
  EXPECT_TRUE(fs::exists(keys("digest-AA.key")));  // who only looks leaves it
  EXPECT_EQ((*load())->digest_keys().digest_of(aa, "x"), std::nullopt);
  EXPECT_FALSE(fs::exists(keys("digest-AA.key")));
}

// A rotation that cannot write leaves the key that was, and can be done again.
TEST_F(KeysTest, ARotationThatCannotWriteChangesNothing) {
  auto running = load();
  ASSERT_TRUE(running.has_value());
  Keys& now = **running;
  fs::create_directory(keys("deployment.json.new"));
  std::ofstream(keys("deployment.json.new/x")) << "x";
  const auto failed = now.rotate_digest_key(entropy_, kNow);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::configuration);
  EXPECT_EQ(now.digest_keys().current_id().view(), "AA");
  EXPECT_EQ((*load())->digest_keys().current_id().view(), "AA");
  fs::remove_all(keys("deployment.json.new"));
  EXPECT_EQ(now.rotate_digest_key(entropy_, kNow)->view(), "AC");
  EXPECT_EQ((*load())->digest_keys().current_id().view(), "AC");
}

TEST_F(KeysTest, ARowKeyIsRotatedAndRetiredDurably) {
  auto running = load();
  ASSERT_TRUE(running.has_value());
  Keys& now = **running;
  const auto mac_of = [](const Hmac& key) { return key(as_bytes("x")); };
  const Digest first = mac_of(now.row_keys().now()->current());
  EXPECT_EQ(now.rotate_row_key(entropy_, kNow)->number, 2u);
  EXPECT_EQ(mode_of(keys("row-2.key")), 0600u);
  const auto again = load(MissingKeys::refuse);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  for (const Keys* each : {running->get(), again->get()}) {
    const core::RowKeyView view(each->row_keys());
    EXPECT_EQ(view.current_id().number, 2u);
    EXPECT_TRUE(view.verifies(first, mac_of));
    EXPECT_FALSE(view.is_current(first, mac_of));
    const auto facts = each->row_key_facts();
    ASSERT_EQ(facts.size(), 2u);
    EXPECT_TRUE(facts[0].is_current);
    EXPECT_EQ(facts[0].made_at, kNow);
    EXPECT_EQ(each->unlogged()[0],
              (UnloggedChange{core::Action::key_row_rotated, R"({"key":2,"previous":1})"}));
  }
  ASSERT_TRUE(now.retire_row_key(core::RowKeyId{1}).has_value());
  EXPECT_FALSE(fs::exists(keys("row.key")));
  EXPECT_EQ(now.unlogged().back(), (UnloggedChange{core::Action::key_row_retired, R"({"key":1})"}));
  const auto later = load();
  ASSERT_TRUE(later.has_value()) << later.error().message;
  EXPECT_FALSE(core::RowKeyView((*later)->row_keys()).verifies(first, mac_of));
  EXPECT_EQ((*later)->row_key_facts().size(), 1u);
  fs::remove(keys("row-2.key"));
  EXPECT_THAT(load().error().message, HasSubstr("row-2.key is missing"));
}

// A rotation that was killed before deployment.json named the key leaves a file that is not read
// and is written over; one killed before an old key's file was gone has it still, as an old key.
TEST_F(KeysTest, KilledRowRotationsGoOn) {
  ASSERT_TRUE(load().has_value());
  std::ofstream(keys("row-2.key")) << std::string(64, 'a') << "\n";
  chmod(keys("row-2.key").c_str(), 0600);
  auto running = load();
  ASSERT_TRUE(running.has_value()) << running.error().message;
  EXPECT_EQ((*running)->row_key_facts().size(), 1u);
  EXPECT_EQ((*running)->rotate_row_key(entropy_, kNow)->number, 2u);
  const std::string kept = *read_small_file(keys("row.key"));
  ASSERT_TRUE((*running)->retire_row_key(core::RowKeyId{1}).has_value());
  std::ofstream(keys("row.key")) << kept;
  chmod(keys("row.key").c_str(), 0600);
  const auto again = load();
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ((*again)->row_key_facts().size(), 2u);
  std::ofstream(keys("row-1.key")) << "x";
  EXPECT_THAT(load().error().message, HasSubstr("row-1.key has no number"));
}

TEST_F(KeysTest, ThereAreNotMoreThanThereIsRoomFor) {
  auto running = load();
  ASSERT_TRUE(running.has_value());
  Keys& now = **running;
  while (now.digest_keys().ids().size() < core::DigestKeys::kKeysMax) {
    ASSERT_TRUE(now.rotate_digest_key(entropy_, kNow).has_value());
  }
  const auto refused = now.rotate_digest_key(entropy_, kNow);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  ASSERT_TRUE(now.retire_digest_key(*core::parse_digest_key_id("AA")).has_value());
  EXPECT_TRUE(now.rotate_digest_key(entropy_, kNow).has_value());
}

TEST_F(KeysTest, DataFolderIsMadeForItsOwnerOnly) {
  const std::string path = folder_ + "/a/b";
  ASSERT_TRUE(make_data_dir(path).has_value());
  EXPECT_EQ(mode_of(path), 0700u);
  ASSERT_TRUE(make_data_dir(path).has_value());
}

}  // namespace
}  // namespace latchkey::app
