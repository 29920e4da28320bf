#include "gate/usage_report.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "http/server_test_util.h"

namespace latchkey::gate {
namespace {

using testing::HasSubstr;

constexpr Instant kNow{1'772'366'400'000};  // 2026-03-01T12:00:00Z

core::TokenId token(uint8_t last) {
  core::TokenId id;
  id.uuid.bytes[15] = last;
  return id;
}

UsageReport some_report() {
  UsageReport report;
  report.batch.bytes[0] = 7;
  const int32_t today = usage_day_of(kNow);
  report.uses = {{token(1), kNow, "192.0.2.1", "git \"2\"", {{today, 3, 1}, {today - 1, 2, 0}}},
                 {token(2), {}, "", "", {{today, 0, 5}}}};
  return report;
}

TEST(UsageReport, ReadsBackWhatWasWritten) {
  const auto read = parse_report(format_report(some_report()), kNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->batch, some_report().batch);
  ASSERT_EQ(read->uses.size(), 2u);
  EXPECT_EQ(read->uses[0].token, token(1));
  EXPECT_EQ(read->uses[0].last_used_at, kNow);
  EXPECT_EQ(read->uses[0].user_agent, "git \"2\"");
  EXPECT_EQ(read->uses[0].days, some_report().uses[0].days);
  EXPECT_EQ(read->uses[1].last_used_at, Instant{});
  EXPECT_EQ(read->uses[1].days, some_report().uses[1].days);
}

TEST(UsageReport, RefusesByFieldAndRule) {
  const auto field = [](const std::string& text) {
    const auto refused = parse_report(text, kNow);
    EXPECT_FALSE(refused) << text;
    return refused ? "" : refused.error().field;
  };
  const auto with = [&](const std::string& use) {
    return field(R"({"batchId":"00000000-0000-0000-0000-000000000001","uses":[)" + use + "]}");
  };
  const std::string id = R"("token":"00000000-0000-0000-0000-000000000002")";
  const std::string day = R"({"day":"2026-03-01","allowed":1,"refused":0})";
  EXPECT_EQ(field("[]"), "");
  EXPECT_EQ(field(R"({"uses":[]})"), "batchId");
  EXPECT_EQ(field(R"({"batchId":"x","uses":[]})"), "batchId");
  EXPECT_EQ(field(R"({"batchId":"00000000-0000-0000-0000-000000000001"})"), "uses");
  EXPECT_EQ(with(R"({"token":"x","days":[]})"), "token");
  EXPECT_EQ(with("{" + id + "}"), "days");
  EXPECT_EQ(with("{" + id + R"(,"days":[],"more":1})"), "more");
  EXPECT_EQ(with("{" + id + ",\"days\":[" + day + "," + day + "]}"), "days");
  EXPECT_EQ(with("{" + id + R"(,"days":[]},{)" + id + R"(,"days":[]})"), "uses");
  EXPECT_EQ(with("{" + id + R"(,"days":[{"day":"2026-03-03","allowed":1,"refused":0}]})"), "day");
  EXPECT_EQ(with("{" + id + R"(,"days":[{"day":"2025-12-01","allowed":1,"refused":0}]})"), "day");
  EXPECT_EQ(with("{" + id + R"(,"days":[{"day":"2026-03-01","allowed":-1,"refused":0}]})"),
            "allowed");
  EXPECT_EQ(with("{" + id + R"(,"days":[{"day":"2026-03-01","allowed":1}]})"), "refused");
  EXPECT_EQ(with("{" + id + R"(,"days":[],"lastUsedAt":"2026-03-01T13:00:00Z"})"), "lastUsedAt");
  EXPECT_EQ(with("{" + id + R"(,"days":[],"lastUsedAt":"now"})"), "lastUsedAt");
  EXPECT_EQ(with("{" + id + R"(,"days":[],"userAgent":"a\u0001"})"), "userAgent");
  EXPECT_EQ(with("{" + id + ",\"days\":[],\"address\":\"" + std::string(257, 'a') + "\"}"),
            "address");
}

// A server that takes what it is told to, and keeps what it was sent.
class UsageReporterTest : public testing::Test {
 protected:
  UsageReporterTest()
      : secret_(std::filesystem::temp_directory_path() /
                ("usage_report_test-" + std::to_string(::getpid()))),
        server_([this](const http::Request& request, http::Reply reply) {
          const MutexLock lock(mutex_);
          bodies_.push_back(std::string(request.body()));
          reply.send(http::make_response(status_, "application/json", "{}"));
        }) {
    std::ofstream(secret_) << "lkc_" << std::string(43, 'A') << "\n";
    ::chmod(secret_.c_str(), 0600);
    auto opened =
        UsageReporter::open({"http://127.0.0.1:" + std::to_string(server_.port()), "", secret_},
                            recorder_, clock_, entropy_);
    reporter_.emplace(*std::move(opened));
  }
  ~UsageReporterTest() override { std::filesystem::remove(secret_); }

  void note(int count) {
    for (int i = 0; i < count; ++i) {
      recorder_.note({token(static_cast<uint8_t>(i)), kNow, true, "192.0.2.1", "curl"});
    }
  }
  uint64_t allowed_in(const std::string& body) {
    const auto read = parse_report(body, kNow);
    EXPECT_TRUE(read);
    uint64_t sum = 0;
    for (const TokenUsage& usage : read->uses) sum += usage.days.at(0).allowed;
    return sum;
  }

  FakeClock clock_{kNow};
  SeededEntropy entropy_{1};
  UsageRecorder recorder_;
  const std::filesystem::path secret_;
  Mutex mutex_;
  int status_ = 200;
  std::vector<std::string> bodies_;
  http::TestServer server_;
  std::optional<UsageReporter> reporter_;
};

TEST_F(UsageReporterTest, SendsWhatThereIsAndNothingTwice) {
  ASSERT_TRUE(reporter_->step());
  EXPECT_TRUE(bodies_.empty());
  note(200);
  ASSERT_TRUE(reporter_->step());
  ASSERT_EQ(bodies_.size(), 1u);
  EXPECT_EQ(allowed_in(bodies_[0]), 200u);
  ASSERT_TRUE(reporter_->step());
  EXPECT_EQ(bodies_.size(), 1u);
}

TEST_F(UsageReporterTest, ABatchThatWasNotTakenKeepsItsIdAndNewUsesWait) {
  note(1);
  status_ = 503;
  EXPECT_FALSE(reporter_->step());
  note(2);
  EXPECT_FALSE(reporter_->step());
  status_ = 200;
  ASSERT_TRUE(reporter_->step());
  ASSERT_EQ(bodies_.size(), 4u);
  EXPECT_EQ(bodies_[0], bodies_[1]);
  EXPECT_EQ(bodies_[0], bodies_[2]);
  EXPECT_EQ(allowed_in(bodies_[3]), 2u);
  EXPECT_NE(parse_report(bodies_[3], kNow)->batch, parse_report(bodies_[0], kNow)->batch);
}

TEST_F(UsageReporterTest, ABatchThatWillNeverBeTakenHoldsUpNothing) {
  note(1);
  status_ = 400;
  EXPECT_FALSE(reporter_->step());
  status_ = 200;
  note(1);
  ASSERT_TRUE(reporter_->step());
  EXPECT_EQ(bodies_.size(), 2u);
}

TEST_F(UsageReporterTest, ABatchThatTheServerMayHaveForgottenIsGivenUp) {
  note(1);
  status_ = 503;
  EXPECT_FALSE(reporter_->step());
  clock_.advance(kReportLife);
  status_ = 200;
  ASSERT_TRUE(reporter_->step());
  EXPECT_EQ(bodies_.size(), 1u);
}

}  // namespace
}  // namespace latchkey::gate
