// `latchkey gate`: runs a gate of its own until it is told to stop.
//
// Thread safety: one thread.
#pragma once

#include "app/cli.h"
#include "app/cli_config.h"

namespace latchkey::app {

// Errors: configuration, and those of GateProcess::connect() that no second try mends.
Result<void> run_gate(const Cli& cli, const ConfigOptions& options);

}  // namespace latchkey::app
