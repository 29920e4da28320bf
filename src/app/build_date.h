// The day on which this program was configured to be built: no clock can be right and before it.
//
// It is SOURCE_DATE_EPOCH's if that is set, so that a build can be repeated to the byte.
// https://reproducible-builds.org/specs/source-date-epoch/ Thread safety: constants.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace latchkey::app {

// "2026-11-24"
std::string_view build_date();
// Its first millisecond, UTC.
Instant build_instant();

}  // namespace latchkey::app
