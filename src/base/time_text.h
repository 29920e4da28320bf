// Points in time as text: RFC 3339 date-times as JSON APIs write them.
//
// Reading takes a full date and time with a zone and 1 to 9 fraction digits at most, years 1970 to
// 9999; anything below a millisecond is cut. Writing is always UTC ("Z") with the fraction's
// trailing zeros cut, as the service of the contract does. Thread safety: pure functions.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace latchkey {

// The instant that `text` names, e.g. "2026-12-01T23:46:23.319Z" or "2026-12-02T01:46:23+02:00".
// Errors: invalid_argument (message says what is wrong; `field` is empty and is the caller's to
// set).
Result<Instant> parse_date_time(std::string_view text);

// E.g. "2026-12-01T23:46:23.32Z". REQUIRES: the year is 1970 to 9999.
std::string format_date_time(Instant instant);

// The UTC calendar day of `instant`.
std::chrono::year_month_day utc_day(Instant instant);
// The last millisecond of the UTC day `day`.
Instant end_of_day(std::chrono::year_month_day day);
// "2026-12-01".
std::string format_day(std::chrono::year_month_day day);
// The day that "2026-12-01" names. Errors: invalid_argument.
Result<std::chrono::year_month_day> parse_day(std::string_view text);

}  // namespace latchkey
