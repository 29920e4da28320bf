#include "base/time_text.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::year;
using std::chrono::year_month_day;

int64_t ms_of(std::string_view text) {
  const auto instant = parse_date_time(text);
  EXPECT_TRUE(instant) << text << ": " << (instant ? "" : instant.error().message);
  return instant ? instant->ms : -1;
}

TEST(ParseDateTime, ReadsUtc) {
  EXPECT_EQ(ms_of("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ms_of("2026-12-02T00:00:00Z"), 1'796'169'600'000);
  EXPECT_EQ(ms_of("2026-12-02t00:00:00z"), 1'796'169'600'000);
  EXPECT_EQ(ms_of("2026-12-02 00:00:00Z"), 1'796'169'600'000);
  EXPECT_EQ(ms_of("9999-12-31T23:59:59.999Z"), 253'402'300'799'999);
}

TEST(ParseDateTime, ReadsZones) {
  const int64_t utc = ms_of("2026-12-01T23:46:23Z");
  EXPECT_EQ(ms_of("2026-12-02T01:46:23+02:00"), utc);
  EXPECT_EQ(ms_of("2026-12-01T18:16:23-05:30"), utc);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23+00:00"), utc);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23-00:00"), utc);
  EXPECT_EQ(ms_of("2026-12-02T23:45:23+23:59"), utc);
}

TEST(ParseDateTime, CutsTheFractionBelowAMillisecond) {
  const int64_t whole = ms_of("2026-12-01T23:46:23Z");
  EXPECT_EQ(ms_of("2026-12-01T23:46:23.3Z"), whole + 300);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23.32Z"), whole + 320);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23.319Z"), whole + 319);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23.3199999Z"), whole + 319);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23.000000001Z"), whole);
  EXPECT_EQ(ms_of("2026-12-01T23:46:23.999999999Z"), whole + 999);
}

TEST(ParseDateTime, KnowsLeapYears) {
  EXPECT_EQ(ms_of("2028-03-01T00:00:00Z") - ms_of("2028-02-29T00:00:00Z"), 86'400'000);
  EXPECT_EQ(ms_of("2000-03-01T00:00:00Z") - ms_of("2000-02-29T00:00:00Z"), 86'400'000);
  for (const std::string_view text :
       {"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2028-02-30T00:00:00Z"}) {
    const auto instant = parse_date_time(text);
    ASSERT_FALSE(instant) << text;
    EXPECT_EQ(instant.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(instant.error().message, "names a day that does not exist");
    EXPECT_EQ(instant.error().field, "");
  }
}

TEST(ParseDateTime, RefusesDaysAndTimesThatDoNotExist) {
  for (const std::string_view text :
       {"2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60"}) {
    EXPECT_FALSE(parse_date_time(text)) << text;
  }
}

TEST(ParseDateTime, RefusesYearsOutOfRange) {
  for (const std::string_view text :
       {"10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
        "-2026-01-01T00:00:00Z", "026-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_date_time(text)) << text;
  }
}

TEST(ParseDateTime, RefusesOtherForms) {
  for (const std::string_view text : {"",
                                      "2026-12-01",
                                      "2026-12-01T",
                                      "2026-12-01T23:46Z",
                                      "2026-12-01T23:46:23",
                                      "2026-12-01T23:46:23.Z",
                                      "2026-12-01T23:46:23,5Z",
                                      "2026-12-01T23:46:23.1234567890Z",
                                      "2026-12-01T23:46:23Z ",
                                      " 2026-12-01T23:46:23Z",
                                      "2026-12-01T23:46:23ZZ",
                                      "2026-12-01T23:46:23+0200",
                                      "2026-12-01T23:46:23+2:00",
                                      "2026-12-01T23:46:23+02",
                                      "2026-12-01T23:46:23 Z",
                                      "2026/12/01T23:46:23Z",
                                      "2026-1-1T23:46:23Z",
                                      "20261201T234623Z",
                                      "2026-12-01_23:46:23Z",
                                      "1796169600",
                                      "2026-12-01T+3:46:23Z",
                                      "2026-12-01T23:46:23+-2:00",
                                      "\xd9\xa2"
                                      "026-12-01T23:46:23Z"}) {
    EXPECT_FALSE(parse_date_time(text)) << text;
  }
  EXPECT_FALSE(parse_date_time(std::string_view("2026-12-01T23:46:23Z\0", 21)));
}

TEST(FormatDateTime, CutsTrailingZerosOfTheFraction) {
  EXPECT_EQ(format_date_time({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_date_time({1}), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(format_date_time({320}), "1970-01-01T00:00:00.32Z");
  EXPECT_EQ(format_date_time({500}), "1970-01-01T00:00:00.5Z");
  EXPECT_EQ(format_date_time({10'000}), "1970-01-01T00:00:10Z");
  EXPECT_EQ(format_date_time({253'402'300'799'999}), "9999-12-31T23:59:59.999Z");
}

TEST(FormatDateTime, IsReadBackAsItWas) {
  for (int64_t ms = 0; ms < 253'402'300'799'999; ms += 86'399'999LL * 79) {
    ASSERT_EQ(ms_of(format_date_time({ms})), ms);
  }
}

TEST(FormatDateTimeDeathTest, AbortsOutsideItsYears) {
  EXPECT_DEATH(format_date_time({-1}), "assertion failed");
  EXPECT_DEATH(format_date_time({253'402'300'800'000}), "assertion failed");
  EXPECT_DEATH(format_date_time({INT64_MAX}), "assertion failed");
}

TEST(Day, OfAnInstantAndItsEnd) {
  const year_month_day leap_day = year(2028) / month(2) / day(29);
  EXPECT_EQ(utc_day({ms_of("2028-02-29T00:00:00Z")}), leap_day);
  EXPECT_EQ(utc_day({ms_of("2028-02-29T23:59:59.999Z")}), leap_day);
  EXPECT_EQ(utc_day({ms_of("2028-03-01T00:59:00+01:00")}), leap_day);
  EXPECT_EQ(end_of_day(leap_day).ms, ms_of("2028-02-29T23:59:59.999Z"));
  EXPECT_EQ(end_of_day(year(2026) / 12 / 31).ms, ms_of("2026-12-31T23:59:59.999Z"));
}

TEST(Day, AsTextAndBack) {
  EXPECT_EQ(format_day(year(2028) / 2 / 9), "2028-02-09");
  EXPECT_EQ(*parse_day("2028-02-29"), year(2028) / 2 / 29);
  for (const std::string_view text : {"2026-02-29", "2026-2-9", "2028-02-29T", "2028-02-29 ", "",
                                      "1969-12-31", "10000-01-01", "2028/02/29"}) {
    const auto parsed = parse_day(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

}  // namespace
}  // namespace latchkey
