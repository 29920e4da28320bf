// The options by which `latchkey serve`, `latchkey doctor` and `latchkey gate` are configured.
//
// The first two take the same ones from the same sources, so that what doctor looks at is what
// serve would run with; a gate those that mean something to it. Thread safety: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "app/cli.h"
#include "app/config.h"

namespace latchkey::app {

struct ConfigOptions {
  std::string file;                                       // --config
  std::map<std::string, std::string, std::less<>> flags;  // by key; empty: not given
};

// Adds --config to `command`, and one option for each key that `takes` is true of (null: all).
// `options` outlives it.
void add_config_options(CLI::App& command, ConfigOptions& options,
                        bool (*takes)(std::string_view key) = nullptr);
// From flags, environment and file. Errors: configuration.
Result<Config> load_config(const Cli& cli, const ConfigOptions& options);

}  // namespace latchkey::app
