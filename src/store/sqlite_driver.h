// SQLite as an engine: one file, WAL, synchronous=FULL.
//
// A lock file beside the database, held for the driver's life, makes a second process on the same
// database fail at once instead of waiting. https://www.sqlite.org/wal.html
// Thread safety: as of Driver; connect() from any thread.
#pragma once

#include <memory>
#include <string>

#include "store/driver.h"

namespace latchkey::store {

// Whether this process will change the database and so takes its lock, or only reads a quiet copy.
enum class SqliteAccess { exclusive, read_only };

// Errors: store_unavailable (the folder is missing or not ours; another process holds the lock).
Result<std::unique_ptr<Driver>> open_sqlite(const std::string& path, SqliteAccess access);

}  // namespace latchkey::store
