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

class KeysTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "keysXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  Result<Keys> load(MissingKeys missing = MissingKeys::make) {
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
  EXPECT_EQ(read->deployment_id, made->deployment_id);
  EXPECT_EQ(read->row_key(as_bytes("x")), made->row_key(as_bytes("x")));
  const core::DigestKeyId id = read->digest_keys.current_id();
  EXPECT_EQ(id.view(), "AA");
  const Digest digest = (*read->digest_keys.find(id))(as_bytes("x"));
  EXPECT_EQ(digest, (*made->digest_keys.find(id))(as_bytes("x")));
  EXPECT_NE(digest, read->row_key(as_bytes("x")));
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
  EXPECT_NE(both->digest_keys.find(*core::parse_digest_key_id("0z")), nullptr);
  EXPECT_EQ(both->digest_keys.current_id().view(), "AA");
}

TEST_F(KeysTest, DataFolderIsMadeForItsOwnerOnly) {
  const std::string path = folder_ + "/a/b";
  ASSERT_TRUE(make_data_dir(path).has_value());
  EXPECT_EQ(mode_of(path), 0700u);
  ASSERT_TRUE(make_data_dir(path).has_value());
}

}  // namespace
}  // namespace latchkey::app
