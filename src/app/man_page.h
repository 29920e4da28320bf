// The manual pages latchkey(1) and latchkey.toml(5), as roff for man(7).
//
// They are made from the description of the commands and from settings(), so that they know what
// the program knows. https://man7.org/linux/man-pages/man7/man-pages.7.html
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/cli_tree.h"
#include "app/config.h"

namespace latchkey::app {

// `date` as 2026-11-24. The first of `commands` is the program itself.
std::string command_manual(const std::vector<Command>& commands, std::string_view date);
std::string configuration_manual(const std::vector<Setting>& settings, std::string_view date);
// `text` so that roff prints it as it stands; every line of it begins a new one.
std::string roff_text(std::string_view text);

}  // namespace latchkey::app
