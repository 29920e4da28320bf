// PostgreSQL as an engine: one database that many nodes write.
//
// Writes take the row of the log's head first, so they are one after the other over all nodes. A
// node keeps offline tools out while it serves, and they keep it out, by advisory locks.
// Thread safety: as of Driver; connect() from any thread. Why: docs/decisions/0013-postgresql.md.
#pragma once

#include <memory>

#include "base/uuid.h"
#include "store/driver.h"
#include "store/postgres_target.h"

namespace latchkey::store {

// shared: one of the nodes that serve. exclusive: an offline tool, beside which no node writes.
// read_only: looks, and changes nothing.
enum class PostgresAccess { shared, exclusive, read_only };

struct PostgresOptions {
  PostgresTarget target;
  PostgresAccess access = PostgresAccess::shared;
  Uuid node;  // whose heartbeats these are; drawn at each start
};

// Errors: store_unavailable (also: the server is not set up to keep what it commits); conflict (a
//         node serves and `access` is exclusive).
Result<std::unique_ptr<Driver>> open_postgres(PostgresOptions options);

}  // namespace latchkey::store
