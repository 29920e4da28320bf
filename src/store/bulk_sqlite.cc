#include "store/bulk_sqlite.h"

namespace latchkey::store {

Result<std::unique_ptr<Connection>> BulkSqlite::connect() {
  LK_TRY(auto connection, inner_->connect());
  // What the caller writes is consistent by itself, so that no key is looked up for each row.
  LK_CHECK(
      connection->run_script("PRAGMA journal_mode = MEMORY;"
                             "PRAGMA synchronous = OFF;"
                             "PRAGMA secure_delete = OFF;"
                             "PRAGMA foreign_keys = OFF;"
                             "PRAGMA cache_size = -262144;"));
  return connection;
}

Result<void> BulkSqlite::begin() {
  LK_TRY(const auto connection, connect());
  std::vector<std::string> names;
  LK_CHECK(connection->run(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
      "AND tbl_name IN ('tokens', 'token_uses', 'events')",
      {}, [&](const Row& row) -> Result<void> {
        names.emplace_back(row.text(0));
        indexes_.emplace_back(row.text(1));
        return {};
      }));
  for (const std::string& name : names) LK_CHECK(connection->run_script("DROP INDEX " + name));
  return {};
}

Result<void> BulkSqlite::finish() {
  LK_TRY(const auto connection, connect());
  // Sorting is done in memory up to the size of the cache, beyond it in files beside the database.
  LK_CHECK(connection->run_script("PRAGMA temp_store = FILE; PRAGMA cache_size = -524288;"));
  for (const std::string& index : indexes_) LK_CHECK(connection->run(index));
  indexes_.clear();
  return {};
}

}  // namespace latchkey::store
