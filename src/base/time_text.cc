#include "base/time_text.h"

#include <cstdio>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr int64_t kLastMs = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

Error wrong(std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); }

// Reads `digits` digits at `position` and moves past them; negative if they are not there.
int take_number(std::string_view text, size_t& position, size_t digits) {
  if (position + digits > text.size()) return -1;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!is_ascii_digit(text[position + i])) return -1;
    value = value * 10 + (text[position + i] - '0');
  }
  position += digits;
  return value;
}

bool take(std::string_view text, size_t& position, std::string_view any_of) {
  if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos)
    return false;
  ++position;
  return true;
}

Result<year_month_day> take_day(std::string_view text, size_t& position) {
  const int y = take_number(text, position, 4);
  const bool first = take(text, position, "-");
  const int m = take_number(text, position, 2);
  const bool second = take(text, position, "-");
  const int d = take_number(text, position, 2);
  if (y < 0 || m < 0 || d < 0 || !first || !second) {
    return wrong("must begin with a date of the form YYYY-MM-DD");
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok()) return wrong("names a day that does not exist");
  if (y < 1970) return wrong("must not be before the year 1970");
  return date;
}

// Reads the fraction of a second, if there is one, in ms. Negative if it is malformed.
int take_fraction_ms(std::string_view text, size_t& position) {
  if (!take(text, position, ".")) return 0;
  int ms = 0;
  size_t digits = 0;
  for (; position < text.size() && is_ascii_digit(text[position]); ++position, ++digits) {
    if (digits < 3) ms = ms * 10 + (text[position] - '0');
  }
  if (digits == 0 || digits > 9) return -1;
  for (size_t i = digits; i < 3; ++i) ms *= 10;
  return ms;
}

// Reads "Z" or "+hh:mm" to minutes east of UTC.
Result<int> take_zone_minutes(std::string_view text, size_t& position) {
  if (take(text, position, "Zz")) return 0;
  const bool west = position < text.size() && text[position] == '-';
  if (!take(text, position, "+-")) return wrong("must end with a zone, 'Z' or +hh:mm");
  const int hours = take_number(text, position, 2);
  const bool colon = take(text, position, ":");
  const int minutes = take_number(text, position, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !colon) {
    return wrong("has a zone that is neither 'Z' nor +hh:mm");
  }
  return (west ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

Result<Instant> parse_date_time(std::string_view text) {
  size_t position = 0;
  LK_TRY(const year_month_day date, take_day(text, position));
  if (!take(text, position, "Tt "))
    return wrong("must have a time after the date, as in T23:59:59Z");
  const int hour = take_number(text, position, 2);
  const bool first = take(text, position, ":");
  const int minute = take_number(text, position, 2);
  const bool second_colon = take(text, position, ":");
  const int second = take_number(text, position, 2);
  if (hour < 0 || minute < 0 || second < 0 || !first || !second_colon) {
    return wrong("must have a time of the form hh:mm:ss");
  }
  if (hour > 23 || minute > 59 || second > 59) return wrong("names a time that does not exist");
  const int fraction_ms = take_fraction_ms(text, position);
  if (fraction_ms < 0) return wrong("must have 1 to 9 digits after the decimal point");
  LK_TRY(const int zone_minutes, take_zone_minutes(text, position));
  if (position != text.size()) return wrong("has characters after the zone");
  const int64_t day_ms = sys_days(date).time_since_epoch().count() * int64_t{86'400'000};
  const int64_t time_ms = ((hour * 60 + minute) * 60 + second) * int64_t{1000} + fraction_ms;
  const Instant instant{day_ms + time_ms - zone_minutes * int64_t{60'000}};
  if (instant.ms < 0) return wrong("must not be before the year 1970");
  if (instant.ms > kLastMs) return wrong("must not be after the year 9999");
  return instant;
}

std::string format_date_time(Instant instant) {
  LK_ASSERT(instant.ms >= 0 && instant.ms <= kLastMs);
  const int64_t in_day = instant.ms % 86'400'000;
  char text[32];
  std::snprintf(text, sizeof text, "%sT%02d:%02d:%02d.%03d", format_day(utc_day(instant)).c_str(),
                static_cast<int>(in_day / 3'600'000), static_cast<int>(in_day / 60'000 % 60),
                static_cast<int>(in_day / 1000 % 60), static_cast<int>(in_day % 1000));
  std::string result = text;
  while (result.back() == '0') result.pop_back();
  if (result.back() == '.') result.pop_back();
  return result + 'Z';
}

year_month_day utc_day(Instant instant) {
  return year_month_day(std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<Milliseconds>(Milliseconds(instant.ms))));
}

Instant end_of_day(year_month_day day) {
  const sys_days next = sys_days(day) + std::chrono::days(1);
  return {next.time_since_epoch().count() * int64_t{86'400'000} - 1};
}

std::string format_day(year_month_day date) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

Result<year_month_day> parse_day(std::string_view text) {
  size_t position = 0;
  LK_TRY(const year_month_day date, take_day(text, position));
  if (position != text.size()) return wrong("must be a date of the form YYYY-MM-DD");
  return date;
}

}  // namespace latchkey
