// What this program calls itself: in `latchkey version`, metrics and the console's status.
//
// The number is that of the CHANGELOG's newest entry; a release changes both in one commit.
// Thread safety: constants.
#pragma once

#include <string_view>

namespace latchkey::app {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace latchkey::app
