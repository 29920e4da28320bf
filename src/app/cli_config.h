// The options by which `latchkey serve` and `latchkey doctor` are configured.
//
// Both take the same ones from the same sources, so that what doctor looks at is what serve would
// run with. Thread safety: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/cli.h"
#include "app/config.h"

namespace latchkey::app {

struct ConfigOptions {
  std::string file;                                       // --config
  std::map<std::string, std::string, std::less<>> flags;  // by key; empty: not given
};

// Adds --config and one option a key to `command`. `options` outlives it.
void add_config_options(CLI::App& command, ConfigOptions& options);
// From flags, environment and file. Errors: configuration.
Result<Config> load_config(const Cli& cli, const ConfigOptions& options);

}  // namespace latchkey::app
