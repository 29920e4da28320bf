#include "app/tls_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "http/tls_test_util.h"

namespace latchkey::app {
namespace {

using testing::HasSubstr;

class TlsFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tlsXXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_ = {folder_ + "/chain.pem", folder_ + "/key.pem", http::TlsVersion::tls_1_2, ""};
    write(http::any_certificate());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Puts new files into the place of the old, as tools that renew do.
  static void put(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    ::chmod((path + ".new").c_str(), 0600);
    ::rename((path + ".new").c_str(), path.c_str());
  }
  void write(const http::TestCertificate& made) {
    put(options_.certificate_file, made.certificate);
    put(options_.key_file, made.key);
  }
  Error refusal() {
    TlsFiles files(options_, clock_, log_);
    const auto loaded = files.load();
    EXPECT_FALSE(loaded.has_value());
    return loaded ? Error(ErrorCode::internal) : loaded.error();
  }
  static std::string fingerprint(const TlsFiles& files) {
    return files.publication().current()->certificate().fingerprint;
  }

  std::string folder_;
  TlsFileOptions options_;
  FakeClock clock_{SystemClock().now()};
  http::RecordingLog log_;
};

TEST_F(TlsFilesTest, TellsWhatItLoaded) {
  TlsFiles files(options_, clock_, log_);
  ASSERT_TRUE(files.load().has_value());
  EXPECT_THAT(log_.text(), HasSubstr("tls.certificate_loaded expires=2"));
  EXPECT_THAT(log_.text(), HasSubstr(" sha256=" + fingerprint(files)));
  EXPECT_EQ(files.measure().reloads_done, 0u);
  EXPECT_GT(files.measure().certificate_not_after, clock_.now());
}

TEST_F(TlsFilesTest, NamesKeyAndRule) {
  options_.certificate_file = folder_ + "/none.pem";
  EXPECT_EQ(refusal().field, "tls.certificate_file");
  EXPECT_THAT(refusal().message, HasSubstr("none.pem cannot be read: No such file"));
  options_.certificate_file = folder_;
  EXPECT_THAT(refusal().message, HasSubstr("must be a file"));
  options_.certificate_file = folder_ + "/chain.pem";

  put(options_.certificate_file, "");
  EXPECT_THAT(refusal().message, HasSubstr("is empty or longer"));
  put(options_.certificate_file, "no certificate");
  EXPECT_THAT(refusal().message, HasSubstr("holds no certificate in PEM form"));
  write(http::any_certificate());
  put(options_.key_file, "no key");
  EXPECT_EQ(refusal().field, "tls.key_file");
  EXPECT_THAT(refusal().message, HasSubstr("key.pem holds no private key in PEM form"));
  put(options_.key_file, http::make_test_certificate().key);
  EXPECT_EQ(refusal().field, "tls.key_file");
  EXPECT_THAT(refusal().message, HasSubstr("does not belong to the first certificate"));
}

TEST_F(TlsFilesTest, KeyThatOthersCanReadIsRefused) {
  ::chmod(options_.key_file.c_str(), 0604);
  EXPECT_EQ(refusal().field, "tls.key_file");
  EXPECT_THAT(refusal().message, HasSubstr("type: chmod 600 " + options_.key_file));
  ::chmod(options_.key_file.c_str(), 0660);
  EXPECT_THAT(refusal().message, HasSubstr("type: chmod"));
  ::chmod(options_.key_file.c_str(), 0400);
  EXPECT_TRUE(TlsFiles(options_, clock_, log_).load().has_value());
}

TEST_F(TlsFilesTest, ExpiredCertificateIsAWarning) {
  write(http::make_test_certificate(-60));
  TlsFiles files(options_, clock_, log_);
  EXPECT_TRUE(files.load().has_value());
  EXPECT_THAT(log_.text(), HasSubstr("tls.certificate_expired expired="));
}

TEST_F(TlsFilesTest, CertificateForAnotherNameIsAWarning) {
  options_.public_host = "localhost";
  TlsFiles same(options_, clock_, log_);
  EXPECT_TRUE(same.load().has_value());
  EXPECT_EQ(log_.text().find("another_name"), std::string::npos);
  options_.public_host = "tokens.example.com";
  TlsFiles other(options_, clock_, log_);
  EXPECT_TRUE(other.load().has_value());
  EXPECT_THAT(log_.text(), HasSubstr("another_name public_url_host=tokens.example.com"));
}

TEST_F(TlsFilesTest, PollTakesAChangeOnceItHasSettled) {
  TlsFiles files(options_, clock_, log_);
  ASSERT_TRUE(files.load().has_value());
  const std::string before = fingerprint(files);
  files.poll();
  EXPECT_EQ(files.measure().reloads_done, 0u);
  const auto next = http::make_test_certificate();
  put(options_.certificate_file, next.certificate);
  files.poll();  // between the two files of a tool that renews
  put(options_.key_file, next.key);
  files.poll();
  EXPECT_EQ(fingerprint(files), before);
  files.poll();
  EXPECT_NE(fingerprint(files), before);
  files.poll();
  EXPECT_EQ(files.measure().reloads_done, 1u);
  EXPECT_EQ(files.measure().reloads_failed, 0u);
}

TEST_F(TlsFilesTest, BadPairKeepsTheOldAndIsToldOnce) {
  TlsFiles files(options_, clock_, log_);
  ASSERT_TRUE(files.load().has_value());
  const std::string before = fingerprint(files);
  put(options_.key_file, http::make_test_certificate().key);
  for (int i = 0; i < 5; ++i) files.poll();
  EXPECT_EQ(fingerprint(files), before);
  EXPECT_EQ(files.measure().reloads_failed, 1u);
  EXPECT_THAT(log_.text(), HasSubstr("tls.reload_failed message=tls.key_file: "));
  ::unlink(options_.certificate_file.c_str());
  for (int i = 0; i < 5; ++i) files.poll();
  EXPECT_EQ(files.measure().reloads_failed, 2u);
  write(http::make_test_certificate());
  for (int i = 0; i < 5; ++i) files.poll();
  EXPECT_NE(fingerprint(files), before);
  EXPECT_EQ(files.measure().reloads_done, 1u);
}

TEST_F(TlsFilesTest, PermissionThatIsRepairedIsSeen) {
  TlsFiles files(options_, clock_, log_);
  ASSERT_TRUE(files.load().has_value());
  write(http::make_test_certificate());
  ::chmod(options_.key_file.c_str(), 0644);
  for (int i = 0; i < 3; ++i) files.poll();
  EXPECT_EQ(files.measure().reloads_failed, 1u);
  ::chmod(options_.key_file.c_str(), 0600);
  for (int i = 0; i < 3; ++i) files.poll();
  EXPECT_EQ(files.measure().reloads_done, 1u);
}

TEST_F(TlsFilesTest, ReloadTakesThePairAtOnce) {
  TlsFiles files(options_, clock_, log_);
  ASSERT_TRUE(files.load().has_value());
  const std::string before = fingerprint(files);
  write(http::make_test_certificate());
  files.reload();
  EXPECT_NE(fingerprint(files), before);
  EXPECT_EQ(files.measure().reloads_done, 1u);
}

TEST_F(TlsFilesTest, TicketKeysAreRenewedEveryTwelveHours) {
  TlsFiles files(options_, clock_, log_);
  ASSERT_TRUE(files.load().has_value());
  const auto first = files.publication().current();
  clock_.advance(std::chrono::hours(12) - Milliseconds(1));
  files.poll();
  EXPECT_EQ(files.publication().current(), first);
  clock_.advance(Milliseconds(1));
  files.poll();
  const auto second = files.publication().current();
  EXPECT_NE(second, first);
  EXPECT_EQ(second->certificate().fingerprint, first->certificate().fingerprint);
  files.poll();
  EXPECT_EQ(files.publication().current(), second);
}

}  // namespace
}  // namespace latchkey::app
