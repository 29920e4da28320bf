// The scripts by which bash, zsh and fish complete a command line of latchkey.
//
// Each is made whole from the description of the commands, and asks neither the program nor a
// server when it runs. Files and folders are completed where an option names one.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "app/cli_tree.h"

namespace latchkey::app {

std::string bash_completion(const std::vector<Command>& commands);
std::string zsh_completion(const std::vector<Command>& commands);
std::string fish_completion(const std::vector<Command>& commands);

}  // namespace latchkey::app
