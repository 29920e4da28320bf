#include "app/cli_output.h"

#include <gtest/gtest.h>

#include "app/cli_token_request.h"
#include "app/operations.h"

namespace latchkey::app {
namespace {

TEST(CliTable, AlignsByWhatATerminalShows) {
  const Table table{{"Name", "Scope"}, {{"名前", "a"}, {"e\xCC\x81t\xC3\xA9", "b"}, {"x", ""}}};
  EXPECT_EQ(format_table(table, Colour::none),
            "Name  Scope\n"
            "名前  a\n"
            "e\xCC\x81t\xC3\xA9   b\n"
            "x\n");
}

TEST(CliTable, ColoursHeadsOnATerminalOnly) {
  EXPECT_EQ(format_table({{"A"}, {{"1"}}}, Colour::terminal), "\x1b[1mA\x1b[0m\n1\n");
}

TEST(CliTable, NothingFromAServerMovesTheCursor) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\xE2\x80\xAE"), "a\uFFFD[2Jb\uFFFDc\uFFFD");
  EXPECT_EQ(printable("\xFF"), "\uFFFD");
  EXPECT_EQ(format_table({{"A"}, {{"\r1"}}}, Colour::none), "A\n\uFFFD1\n");
}

TEST(CliFacts, AlignValues) {
  EXPECT_EQ(format_facts({{"Id", "1"}, {"Name", ""}}), "Id:    1\nName:  -\n");
}

TEST(CliTime, IsShortAndUtc) {
  EXPECT_EQ(short_time("2026-12-01T23:59:59.999Z"), "2026-12-01 23:59");
  EXPECT_EQ(short_time(""), "-");
  EXPECT_EQ(short_time("soon"), "soon");
}

TEST(CliError, IsOneLineWithWhatToDoNext) {
  EXPECT_EQ(error_line(Error(ErrorCode::conflict, "It failed.\nbadly.", "", "do that")),
            "latchkey: It failed.\uFFFDbadly; do that");
  EXPECT_EQ(error_line(Error(ErrorCode::timed_out)), "latchkey: timed_out");
}

TEST(CliError, ExitCodesAreThoseOfTheHelp) {
  EXPECT_EQ(exit_code_of(ErrorCode::conflict), ExitCode::refused);
  EXPECT_EQ(exit_code_of(ErrorCode::configuration), ExitCode::usage);
  EXPECT_EQ(exit_code_of(ErrorCode::store_unavailable), ExitCode::unreachable);
  EXPECT_EQ(exit_code_of(ErrorCode::session_unknown), ExitCode::not_signed_in);
  EXPECT_EQ(exit_code_of(ErrorCode::integrity_violated), ExitCode::integrity);
}

TEST(CliRefusal, TakesTheServersWords) {
  const Error error = refusal(403, R"({"message":"Not you."})", "");
  EXPECT_EQ(error.message, "Not you.");
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_EQ(refusal(401, "", "").code, ErrorCode::session_unknown);
  EXPECT_EQ(refusal(502, "<html>", "").message, "the server answered with status 502");
  EXPECT_EQ(refusal(429, "{}", "7").detail, "try again in 7 seconds");
}

constexpr Instant kNow{1'772'366'400'000};  // 2026-03-01T12:00:00Z

TEST(TokenRequest, ScopesAreJoinedBySingleSpaces) {
  EXPECT_EQ(scope_text({"vso.code,vso.build", " vso.project  vso.work"}),
            "vso.code vso.build vso.project vso.work");
}

TEST(TokenRequest, ExpiryIsDaysOrTheEndOfADay) {
  TokenOptions options;
  EXPECT_EQ(*valid_to_text(options, kNow), "");
  options.days = 30;
  EXPECT_EQ(*valid_to_text(options, kNow), "2026-03-31T12:00:00Z");
  options.until = "2026-03-31";
  EXPECT_FALSE(valid_to_text(options, kNow).has_value());
  options.days = 0;
  EXPECT_EQ(*valid_to_text(options, kNow), "2026-03-31T23:59:59.999Z");
  options.until = "2026-02-30";
  EXPECT_FALSE(valid_to_text(options, kNow).has_value());
}

TEST(TokenRequest, UpdateSendsOnlyWhatIsToChange) {
  TokenOptions options;
  options.id = "1";
  EXPECT_FALSE(update_body(options, kNow).has_value());
  options.name = "new";
  EXPECT_EQ(format_json(*update_body(options, kNow)),
            R"({"authorizationId":"1","displayName":"new"})");
}

TEST(TokenRequest, QueryIsEncoded) {
  TokenOptions options;
  options.search = "a&b";
  EXPECT_EQ(list_query(options, "c+d"),
            "displayFilterOption=active&sortByOption=createdOn&isSortAscending=false&$top=100"
            "&search=a%26b&continuationToken=c%2Bd");
}

TEST(Readiness, SaysWhyNot) {
  Measurements m;
  m.staleness_max = Milliseconds(1000);
  EXPECT_EQ(not_ready_reason(m), "the index is not loaded yet");
  m.index.loaded = true;
  EXPECT_EQ(not_ready_reason(m), "the server is starting or stopping");
  m.is_serving = true;
  m.index.age = Milliseconds(1000);
  EXPECT_EQ(not_ready_reason(m), std::nullopt);
  m.index.age = Milliseconds(1001);
  EXPECT_EQ(not_ready_reason(m), "the index is 1001 ms old, more than 1000 ms");
  EXPECT_NE(format_metrics(m).find("\nlatchkey_ready 0\n"), std::string::npos);
}

TEST(Metrics, TimesAreInSeconds) {
  Measurements m;
  m.index.age = Milliseconds(1'234);
  m.staleness_max = Milliseconds(60'000);
  m.started_at_ms = 1'780'000'000'007;
  m.process.cpu = Milliseconds(50);
  const std::string text = format_metrics(m);
  for (const char* line :
       {"latchkey_index_age_seconds 1.234", "latchkey_index_age_max_seconds 60.000",
        "process_start_time_seconds 1780000000.007", "process_cpu_seconds_total 0.050"}) {
    EXPECT_NE(text.find("\n" + std::string(line) + "\n"), std::string::npos) << line;
  }
}

TEST(Metrics, TellWhatWasUnavailable) {
  Measurements m;
  m.checks.unavailable_store = 3;
  m.checks.unavailable_index = 5;
  m.checks.unavailable_room = 7;
  m.checks.unavailable_time = 9;
  m.background_failures = 11;
  const std::string text = format_metrics(m);
  const std::string name = "latchkey_unavailable_answers_total";
  for (const std::string& line :
       {name + "{reason=\"store\"} 3", name + "{reason=\"index\"} 5", name + "{reason=\"room\"} 7",
        name + "{reason=\"time\"} 9", std::string("latchkey_background_failures_total 11")}) {
    EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace latchkey::app
