// SQLite as an engine: one file, WAL, synchronous=FULL.
//
// A lock file beside the database, held for the driver's life, makes a second process on the same
// database fail at once instead of waiting. https://www.sqlite.org/wal.html
// Thread safety: as of Driver; connect() from any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "store/driver.h"

namespace latchkey::store {

// Whether this process will change the database and so takes its lock, or only reads a quiet copy.
enum class SqliteAccess { exclusive, read_only };

// The lock of a database, held while it lives. Thread safety: a value.
class SqliteLock {
 public:
  explicit SqliteLock(int descriptor) : descriptor_(descriptor) {}
  ~SqliteLock();
  SqliteLock(SqliteLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  SqliteLock& operator=(SqliteLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

 private:
  int descriptor_;
};
// Takes the lock of the database `path`, which need not be there yet. Errors: as open_sqlite.
Result<SqliteLock> lock_sqlite(const std::string& path, SqliteAccess access);
// As open_sqlite, for who holds the lock already, for as long as the driver lives.
Result<std::unique_ptr<Driver>> open_locked_sqlite(const std::string& path, SqliteAccess access,
                                                   const SqliteLock& held);
// Pages of the write-ahead file from which a commit copies it into the database. A group of 64
// creates writes some 300, and a checkpoint costs two syncs: docs/decisions/0003-group-commit.md.
constexpr int kCheckpointPages = 8192;

// Errors: store_unavailable (the folder is missing or not ours; another process holds the lock).
Result<std::unique_ptr<Driver>> open_sqlite(const std::string& path, SqliteAccess access,
                                            int checkpoint_pages = kCheckpointPages);

}  // namespace latchkey::store
