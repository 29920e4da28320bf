#include "base/log.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"

namespace latchkey {
namespace {

constexpr Instant kTime{1'796'169'600'000};  // 2026-12-02T00:00:00Z

std::string text_line(std::string_view value) {
  return format_log_line(LogFormat::text, LogLevel::info, kTime, "a.b", {{"field", value}});
}

std::string json_line(std::string_view value) {
  return format_log_line(LogFormat::json, LogLevel::info, kTime, "a.b", {{"field", value}});
}

TEST(LogLine, AsText) {
  EXPECT_EQ(
      format_log_line(LogFormat::text, LogLevel::warning, kTime, "serve.ready",
                      {{"address", "http://[::1]:8080/"}, {"count", -3}, {"empty", ""}}),
      "2026-12-02T00:00:00Z warning serve.ready address=http://[::1]:8080/ count=-3 empty=\"\"");
}

TEST(LogLine, AsJson) {
  const std::string line = format_log_line(LogFormat::json, LogLevel::error, kTime, "serve.failed",
                                           {{"reason", "a \"b\""}, {"count", 3}});
  EXPECT_EQ(line, R"({"time":"2026-12-02T00:00:00Z","level":"error","event":"serve.failed",)"
                  R"("reason":"a \"b\"","count":3})");
}

TEST(LogLine, AValueIsOneField) {
  EXPECT_EQ(text_line("plain-1.2_3"), "2026-12-02T00:00:00Z info a.b field=plain-1.2_3");
  EXPECT_EQ(text_line("x admin=true"), "2026-12-02T00:00:00Z info a.b field=\"x admin=true\"");
  EXPECT_EQ(text_line("a=b"), "2026-12-02T00:00:00Z info a.b field=\"a=b\"");
  EXPECT_EQ(text_line("\" x=\""), R"(2026-12-02T00:00:00Z info a.b field="\" x=\"")");
}

TEST(LogLine, NothingFromOutsideStartsALineOrSteersATerminal) {
  const std::string all = [] {
    std::string bytes;
    for (int c = 0; c < 0x80; ++c) bytes += static_cast<char>(c);
    return bytes;
  }();
  for (const std::string& value :
       {all, std::string("x\n2026-01-01T00:00:00Z info forged"), std::string("\r\x1b[2J"),
        std::string("\xc2\x80\xc2\x85\xc2\x9b"), std::string("\xe2\x80\xa8\xe2\x80\xa9"),
        std::string("\xff\xfe\n\xc3"), std::string("\xc2")}) {
    for (const std::string& line : {text_line(value), json_line(value)}) {
      EXPECT_TRUE(is_utf8(line)) << line;
      EXPECT_FALSE(has_control_character(line)) << line;
    }
    EXPECT_TRUE(parse_json(json_line(value))) << json_line(value);
  }
}

TEST(LogLine, EscapesByCodePoint) {
  const std::string head = "2026-12-02T00:00:00Z info a.b field=";
  EXPECT_EQ(text_line("\n\x1b\x7f"), head + R"("\n\u001b\u007f")");
  EXPECT_EQ(text_line("\xc2\x85\xe2\x80\xa8\xe2\x80\xa9"), head + R"("\u0085\u2028\u2029")");
  EXPECT_EQ(text_line("\xff"), head + R"("\u00ff")");
}

TEST(LogLine, LeavesLettersOfAllLanguages) {
  for (const std::string_view value : {"Zoë", "日本語", "Ω ≠ ω", "\xf0\x9f\x94\x91"}) {
    EXPECT_NE(text_line(value).find(value), std::string::npos) << value;
    EXPECT_NE(json_line(value).find(value), std::string::npos) << value;
  }
}

TEST(Log, WritesLinesOfItsLevelToStderr) {
  testing::internal::CaptureStderr();
  const auto log = make_log(LogFormat::text, LogLevel::warning);
  log->info("left.out");
  log->warning("kept", {{"percent", "%v {}"}});
  log->error("also.kept");
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(lines.find("left.out"), std::string::npos);
  EXPECT_NE(lines.find("warning kept percent=\"%v {}\"\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("error also.kept\n"), std::string::npos) << lines;
}

TEST(Log, TheNullLogWritesNothing) {
  testing::internal::CaptureStderr();
  make_null_log()->error("event", {{"field", "value"}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace latchkey
