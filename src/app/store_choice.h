// Which database this installation is on, and how it is opened: SQLite in the data folder, or the
// PostgreSQL that store.url names.
//
// Thread safety: pure functions over a configuration. Spec: docs/spec/store.md.
#pragma once

#include <memory>

#include "app/cli.h"
#include "app/config.h"
#include "base/entropy.h"
#include "store/driver.h"
#include "store/postgres_driver.h"

namespace latchkey::app {

// serve: as one of those that serve. alone: an offline tool, beside which nobody writes. look: to
// read it, also beside nodes that serve on PostgreSQL.
enum class StoreUse { serve, alone, look };

bool is_on_postgres(const Config& config);
// REQUIRES: is_on_postgres(config). Errors: configuration (the URL or the password's file).
Result<store::PostgresTarget> load_postgres_target(const Config& config);
// Errors: configuration; store_unavailable; conflict (somebody else has it for itself).
Result<std::unique_ptr<store::Driver>> open_driver(const Config& config, StoreUse use,
                                                   Entropy& entropy);
// What commands of an installation at rest work on: the configuration as `latchkey serve` would
// find it, without flags. Errors: configuration.
Result<Config> config_at_rest(const Cli& cli);
// Refuses what works on SQLite only. Errors: configuration (says what to type instead).
Result<void> refuse_on_postgres(const Cli& cli, const std::string& what,
                                const std::string& instead);

}  // namespace latchkey::app
