// Opening a store: migrations, the first head, and the check of the head that is there.
#include "store/event_rows.h"
#include "store/inspect.h"
#include "store/shared_engine.h"
#include "store/sql_store.h"

namespace latchkey::store {
namespace {

// Brings the schema from `version` to the newest, inside the transaction.
Result<void> run_migrations(Connection& connection, Driver& driver, std::optional<int64_t> version,
                            const StoreDependencies& dependencies) {
  const auto migrations = driver.migrations();
  const core::RowKeyView row_keys(dependencies.row_keys);
  // Checked while it is as it was signed.
  std::optional<LogHead> before_epochs;
  if (version && *version < kEpochSchema) {
    LK_TRY(before_epochs, load_signed_head_without_epoch(connection, row_keys));
  }
  if (!version) {
    // Fails when there is a schema that could not be read: then nothing is made over it.
    LK_CHECK(connection.run_script("CREATE TABLE schema_version (version BIGINT NOT NULL)"));
    LK_CHECK(connection.run("INSERT INTO schema_version (version) VALUES (0)"));
  }
  for (size_t step = static_cast<size_t>(version.value_or(0)); step < migrations.size(); ++step) {
    LK_CHECK(connection.run_script(migrations[step]));
  }
  LK_CHECK(connection.run("UPDATE schema_version SET version = $1",
                          {static_cast<uint64_t>(migrations.size())}));
  if (version && !before_epochs) return {};
  LogHead head = before_epochs.value_or(LogHead());
  LK_TRY(head.epoch, core::make_id<core::Epoch>(dependencies.entropy));
  const StoredHead signed_head = sign_head(row_keys, head);
  return version ? update_head(connection, signed_head) : insert_head(connection, signed_head);
}

// The version that is there; nothing in an empty database. A question that fails costs the
// transaction nothing.
Result<std::optional<int64_t>> find_version_within(Connection& connection) {
  LK_CHECK(connection.run("SAVEPOINT version"));
  const auto version = find_schema_version(connection);
  if (!version) LK_CHECK(connection.run("ROLLBACK TO version"));
  LK_CHECK(connection.run("RELEASE version"));
  return version;
}

Result<void> migrate(Connection& connection, Driver& driver,
                     const StoreDependencies& dependencies) {
  const auto newest = static_cast<int64_t>(driver.migrations().size());
  const auto found = find_schema_version(connection);
  if (found && *found > newest) {
    return Error(ErrorCode::configuration, "the database was written by a newer version");
  }
  if (found == kImportSchema) {
    return Error(ErrorCode::configuration,
                 "the database is half filled: finish `latchkey migrate sqlite-to-postgres`");
  }
  if (found == newest) return {};
  if (!driver.can_write()) {
    return Error(ErrorCode::configuration,
                 "the database has an older schema; starting the server brings it up to date");
  }
  LK_CHECK(connection.run(driver.begin_write()));
  std::optional<int64_t> version = found;
  if (SharedEngine* const shared = driver.shared()) {
    // Another node may have done it meanwhile.
    LK_CHECK(connection.run(shared->lock_schema()));
    LK_TRY(version, find_version_within(connection));
  }
  // All steps and the first head in one transaction: it is done or it never was.
  if (version != newest) LK_CHECK(run_migrations(connection, driver, version, dependencies));
  LK_CHECK(connection.run("COMMIT"));
  dependencies.log.info("store.migrated", {{"from", version.value_or(0)}, {"to", newest}});
  // On failure, what is left of the transaction ends with the connection.
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(std::unique_ptr<Driver> driver,
                                          const StoreDependencies& dependencies) {
  // First, so that an offline tool and a node never open it at the same time.
  std::unique_ptr<Listener> listener;
  if (SharedEngine* const shared = driver->shared()) {
    LK_TRY(listener, shared->listen());
  }
  LK_TRY(auto connection, driver->connect());
  LK_CHECK(migrate(*connection, *driver, dependencies));
  // Head and last event of one state.
  LK_CHECK(connection->run(driver->begin_read()));
  LK_TRY(const LogHead head,
         check_head(*connection, kEpochSchema, core::RowKeyView(dependencies.row_keys)));
  connection.reset();
  return std::unique_ptr<Store>(
      std::make_unique<SqlStore>(std::move(driver), dependencies, head, std::move(listener)));
}

}  // namespace latchkey::store
