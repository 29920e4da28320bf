// A date-time that is read is written in one form, which is read as the same instant.
#include "base/time_text.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string_view text = fuzz::as_text(data, size);
  const auto instant = parse_date_time(text);
  if (instant) {
    const std::string written = format_date_time(*instant);
    const auto again = parse_date_time(written);
    LK_ASSERT(again && *again == *instant);
    LK_ASSERT(format_date_time(*again) == written);
    LK_ASSERT(*instant <= end_of_day(utc_day(*instant)));
    LK_ASSERT(written.starts_with(format_day(utc_day(*instant))));
  } else {
    LK_ASSERT(instant.error().code == ErrorCode::invalid_argument);
  }
  const auto day = parse_day(text);
  if (day) {
    LK_ASSERT(format_day(*day) == text);
    LK_ASSERT(utc_day(end_of_day(*day)) == *day);
  }
  return 0;
}
