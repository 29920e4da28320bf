// PostgreSQL as an engine for TestStore: a place of its own for each folder, on one server.
//
// The server is started by the first that needs it and ends with the process. Thread safety: one
// thread.
#pragma once

#include <string>

#include "postgres_cluster.h"
#include "store/postgres_driver.h"

namespace latchkey::store {

PostgresCluster& test_cluster();
// Runs SQL as the server's owner, outside every store.
void administrate(const std::string& sql);
// The place of a TestStore's folder is made when that is first seen; those of earlier ones go.
PostgresTarget postgres_target_in(const std::string& folder);
// For TestStore.
Result<std::unique_ptr<Driver>> open_postgres_in(const std::string& folder,
                                                 PostgresAccess access = PostgresAccess::shared);

}  // namespace latchkey::store
