#include "app/build_date.h"

#include "base/assert.h"
#include "base/time_text.h"

namespace latchkey::app {

std::string_view build_date() { return LATCHKEY_BUILD_DATE; }

Instant build_instant() {
  const auto parsed = parse_date_time(std::string(build_date()) + "T00:00:00Z");
  LK_ASSERT(parsed);
  return *parsed;
}

}  // namespace latchkey::app
