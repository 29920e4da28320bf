#include "store/sqlite_driver.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <thread>
#include <utility>

#include "store/migrations_sqlite.h"

namespace latchkey::store {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr size_t kCachedStatementsMax = 512;
constexpr int kCopyPages = 256;               // of one step: a megabyte
constexpr uint64_t kCopySyncBytes = 8 << 20;  // what commits may have to wait for at most

// The engine's own words for `code` hold no values, unlike its messages.
Error unavailable(int code) {
  return Error(ErrorCode::store_unavailable, std::string("the database answered ") +
                                                 sqlite3_errstr(code) + " (" +
                                                 std::to_string(code) + ")");
}

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view text(int column) const override {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (data == nullptr) return {};
    return {data, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::span<const uint8_t> blob(int column) const override {
    const auto* data = static_cast<const uint8_t*>(sqlite3_column_blob(statement_, column));
    if (data == nullptr) return {};
    return {data, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

// Ends a statement's run so that it can be used again and holds no read lock.
class ResetGuard {
 public:
  explicit ResetGuard(sqlite3_stmt* statement) : statement_(statement) {}
  ~ResetGuard() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  ResetGuard(const ResetGuard&) = delete;
  ResetGuard& operator=(const ResetGuard&) = delete;

 private:
  sqlite3_stmt* statement_;
};

struct BindValue {
  sqlite3_stmt* statement;
  int index;

  int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
  int operator()(int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
  // A null pointer would bind NULL; an empty text is not NULL.
  int operator()(std::string_view text) const {
    return sqlite3_bind_text64(statement, index, text.data() ? text.data() : "", text.size(),
                               SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(std::span<const uint8_t> bytes) const {
    if (bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
};

// What the connections of one database have in common; outlives them.
struct DatabaseState {
  const int checkpoint_pages;
  std::atomic<bool> sync_failed{false};

  // Remembers a sync that failed. Afterwards the kernel takes the pages for clean, so that a later
  // sync succeeds without them: https://www.postgresql.org/docs/current/wal-reliability.html
  void note(int code) {
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) sync_failed = true;
  }
};

// After a commit: SQLite's own hook, but that it looks at what became of the checkpoint. A failed
// one is tried again after the next commit.
int checkpoint_after_commit(void* state, sqlite3* database, const char* schema, int pages) {
  auto& known = *static_cast<DatabaseState*>(state);
  if (pages >= known.checkpoint_pages && !known.sync_failed) {
    known.note(
        sqlite3_wal_checkpoint_v2(database, schema, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
  }
  return SQLITE_OK;
}

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(Database database, DatabaseState& state)
      : database_(std::move(database)), state_(state) {
    sqlite3_wal_hook(database_.get(), checkpoint_after_commit, &state_);
  }
  ~SqliteConnection() override {
    // The write-ahead file alone is known to be on the disk: the next process starts from it.
    if (state_.sync_failed) {
      sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
  }

  Result<int64_t> run(std::string_view sql, std::span<const Value> parameters,
                      const RowCallback& on_row) override {
    if (transaction_lost_) {
      if (sql != "ROLLBACK") return unavailable(SQLITE_ABORT_ROLLBACK);
      transaction_lost_ = false;
      return 0;
    }
    const bool in_transaction = sqlite3_get_autocommit(database_.get()) == 0;
    auto changed = run_prepared(sql, parameters, on_row);
    if (!changed && in_transaction && sqlite3_get_autocommit(database_.get()) != 0) {
      transaction_lost_ = true;
    }
    return changed;
  }

  Result<void> run_script(std::string_view sql) override {
    if (transaction_lost_) return unavailable(SQLITE_ABORT_ROLLBACK);
    const std::string script(sql);
    const int code = sqlite3_exec(database_.get(), script.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return unavailable(sqlite3_extended_errcode(database_.get()));
    return {};
  }

 private:
  using Cache = std::list<std::pair<std::string, Statement>>;

  Result<int64_t> run_prepared(std::string_view sql, std::span<const Value> parameters,
                               const RowCallback& on_row) {
    Statement own;  // only when the cached one is in use by an outer run()
    LK_TRY(sqlite3_stmt* const statement, prepare(sql, own));
    const ResetGuard reset(statement);
    LK_CHECK(bind(statement, parameters));
    const int64_t changes_before = sqlite3_total_changes64(database_.get());
    int code = SQLITE_OK;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      if (!on_row) continue;
      const SqliteRow row(statement);
      LK_CHECK(on_row(row));
      if (row.refused()) {
        return Error(ErrorCode::integrity_violated, "a stored row has an impossible value");
      }
    }
    if (code != SQLITE_DONE) {
      const int extended = sqlite3_extended_errcode(database_.get());
      state_.note(extended);
      return step_error(extended);
    }
    return sqlite3_total_changes64(database_.get()) - changes_before;
  }

  // The cached statement of `sql`, most recently used first.
  Result<sqlite3_stmt*> prepare(std::string_view sql, Statement& own) {
    const auto found = by_sql_.find(sql);
    if (found != by_sql_.end() && !sqlite3_stmt_busy(found->second->second.get())) {
      cache_.splice(cache_.begin(), cache_, found->second);
      return found->second->second.get();
    }
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, &tail);
    if (code != SQLITE_OK) return unavailable(sqlite3_extended_errcode(database_.get()));
    Statement statement(raw);
    LK_ASSERT(raw != nullptr && tail == sql.data() + sql.size());  // exactly one statement
    if (found != by_sql_.end()) {
      own = std::move(statement);
      return raw;
    }
    cache_.emplace_front(std::string(sql), std::move(statement));
    by_sql_.emplace(cache_.front().first, cache_.begin());
    if (cache_.size() > kCachedStatementsMax) forget_oldest();
    return raw;
  }

  void forget_oldest() {
    for (auto it = std::prev(cache_.end()); it != cache_.begin(); --it) {
      if (sqlite3_stmt_busy(it->second.get())) continue;
      by_sql_.erase(it->first);
      cache_.erase(it);
      return;
    }
  }

  // "$1" is a name to SQLite, whose index follows first appearance: so bind by name.
  Result<void> bind(sqlite3_stmt* statement, std::span<const Value> parameters) {
    LK_ASSERT(sqlite3_bind_parameter_count(statement) == static_cast<int>(parameters.size()));
    for (size_t i = 0; i < parameters.size(); ++i) {
      const std::string name = "$" + std::to_string(i + 1);
      const int index = sqlite3_bind_parameter_index(statement, name.c_str());
      LK_ASSERT(index > 0);
      const int code = std::visit(BindValue{statement, index}, parameters[i].variant());
      if (code != SQLITE_OK) return unavailable(code);
    }
    return {};
  }

  Error step_error(int code) {
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
        code == SQLITE_CONSTRAINT_ROWID) {
      // "UNIQUE constraint failed: people.email_key": the columns, no values.
      const std::string_view message = sqlite3_errmsg(database_.get());
      const size_t colon = message.find(": ");
      const std::string_view columns =
          colon == std::string_view::npos ? std::string_view() : message.substr(colon + 2);
      return Error(ErrorCode::already_exists, "", std::string(columns));
    }
    return unavailable(code);
  }

  Database database_;
  DatabaseState& state_;
  Cache cache_;
  std::map<std::string_view, Cache::iterator, std::less<>> by_sql_;  // views of the cache's texts
  bool transaction_lost_ = false;
};

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Makes sure that the file is there, is ours and is nobody else's to read.
Result<void> prepare_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat status {};
  if (file.descriptor() < 0 || ::fstat(file.descriptor(), &status) != 0 ||
      status.st_uid != ::geteuid() || ::fchmod(file.descriptor(), 0600) != 0) {
    return Error(ErrorCode::store_unavailable, "cannot open the database file as its owner");
  }
  return {};
}

struct FinishBackup {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

Result<Database> open_database(const std::string& path, int mode) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return unavailable(code);
  sqlite3_extended_result_codes(raw, 1);
  return database;
}

// Copies one state of a database page by page. The state is held by a read transaction, so that
// writers go on without making the copy begin again, as it otherwise would at each write.
class Copy {
 public:
  Copy(const std::string& from, const std::string& to) : from_(from), to_(to) {}

  Result<void> run(const CopyProgress& on_progress) {
    const File file(::open(to_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.descriptor() < 0) {
      return Error(ErrorCode::configuration, "cannot make " + to_ + ": " + std::strerror(errno));
    }
    LK_CHECK(copy_pages(file, on_progress));
    LK_CHECK(finish());
    if (::fsync(file.descriptor()) != 0) return cannot_write();
    return {};
  }

 private:
  Result<void> copy_pages(const File& file, const CopyProgress& on_progress) {
    LK_TRY(const Database source, open_database(from_, SQLITE_OPEN_READONLY));
    LK_TRY(const Database target, open_database(to_, SQLITE_OPEN_READWRITE));
    LK_CHECK(execute(source, "BEGIN; SELECT COUNT(*) FROM sqlite_schema;"));
    // A copy that is not finished is thrown away, so nothing of it needs a journal.
    LK_CHECK(execute(target,
                     "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                     "PRAGMA cache_size = -16384;"));
    LK_TRY(const uint64_t page_bytes, load_number(source, "PRAGMA page_size"));
    const std::unique_ptr<sqlite3_backup, FinishBackup> backup(
        sqlite3_backup_init(target.get(), "main", source.get(), "main"));
    if (!backup) return unavailable(sqlite3_extended_errcode(target.get()));
    uint64_t unsynced = 0;
    while (true) {
      const auto began = std::chrono::steady_clock::now();
      const int code = sqlite3_backup_step(backup.get(), kCopyPages);
      if (code != SQLITE_OK && code != SQLITE_DONE) return unavailable(code);
      const auto total = static_cast<uint64_t>(sqlite3_backup_pagecount(backup.get()));
      const auto left = static_cast<uint64_t>(sqlite3_backup_remaining(backup.get()));
      if (on_progress && !on_progress((total - left) * page_bytes, total * page_bytes)) {
        return Error(ErrorCode::conflict, "the copy was ended before it was whole");
      }
      if (code == SQLITE_DONE) return {};
      unsynced += kCopyPages * page_bytes;
      if (unsynced >= kCopySyncBytes) {
        if (::fdatasync(file.descriptor()) != 0) return cannot_write();
        unsynced = 0;
      }
      // Half of the time belongs to the others.
      std::this_thread::sleep_for(std::chrono::steady_clock::now() - began);
    }
  }

  // Makes it one file that needs no other beside it, and looks whether it is whole.
  Result<void> finish() {
    LK_TRY(const Database target, open_database(to_, SQLITE_OPEN_READWRITE));
    LK_CHECK(execute(target, "PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE;"));
    LK_TRY(const std::string answer, load_text(target, "PRAGMA quick_check(1)"));
    if (answer != "ok") {
      return Error(ErrorCode::integrity_violated, "the database is damaged: " + answer);
    }
    return {};
  }

  static Result<void> execute(const Database& database, const char* sql) {
    if (sqlite3_exec(database.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return unavailable(sqlite3_extended_errcode(database.get()));
  }
  static Result<std::string> load_text(const Database& database, const char* sql) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v2(database.get(), sql, -1, &raw, nullptr);
    const Statement statement(raw);
    if (code != SQLITE_OK || sqlite3_step(raw) != SQLITE_ROW) {
      return unavailable(sqlite3_extended_errcode(database.get()));
    }
    return std::string(SqliteRow(raw).text(0));
  }
  static Result<uint64_t> load_number(const Database& database, const char* sql) {
    LK_TRY(const std::string text, load_text(database, sql));
    return std::strtoull(text.c_str(), nullptr, 10);
  }
  Error cannot_write() const {
    return Error(ErrorCode::store_unavailable, "cannot write " + to_ + ": " + std::strerror(errno));
  }

  const std::string& from_;
  const std::string& to_;
};

class SqliteDriver final : public Driver {
 public:
  SqliteDriver(std::string path, SqliteAccess access, SqliteLock lock, int checkpoint_pages)
      : path_(std::move(path)), access_(access), lock_(std::move(lock)), state_{checkpoint_pages} {}

  Result<std::unique_ptr<Connection>> connect() override {
    const int mode =
        access_ == SqliteAccess::exclusive ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    LK_TRY(Database database, open_database(path_, mode));
    sqlite3* const raw = database.get();
    sqlite3_busy_timeout(raw, kBusyTimeoutMs);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    auto connection = std::make_unique<SqliteConnection>(std::move(database), state_);
    // The write-ahead file is overwritten from its start after a checkpoint, not cut: an
    // overwritten one syncs many times faster than a growing one. What is deleted is zeroed (erased
    // contexts).
    LK_CHECK(
        connection->run_script("PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -16384;"));
    if (access_ == SqliteAccess::exclusive) {
      LK_CHECK(
          connection->run_script("PRAGMA journal_mode = WAL;"
                                 "PRAGMA synchronous = FULL;"
                                 "PRAGMA secure_delete = ON;"
                                 "PRAGMA journal_size_limit = 67108864;"));
    }
    return std::unique_ptr<Connection>(std::move(connection));
  }

  std::span<const std::string_view> migrations() const override { return sqlite_migrations(); }
  std::string_view begin_write() const override { return "BEGIN IMMEDIATE"; }
  bool can_write() const override { return access_ == SqliteAccess::exclusive; }
  Result<void> copy_to(const std::string& path, const CopyProgress& on_progress) override {
    return Copy(path_, path).run(on_progress);
  }
  std::string_view settle() const override { return "PRAGMA wal_checkpoint(TRUNCATE)"; }
  bool needs_restart() const override { return state_.sync_failed; }

 private:
  const std::string path_;
  const SqliteAccess access_;
  const SqliteLock lock_;
  DatabaseState state_;
};

}  // namespace

SqliteLock::~SqliteLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<SqliteLock> lock_sqlite(const std::string& path, SqliteAccess access) {
  const std::string lock_path = path + ".lock";
  const bool exclusive = access == SqliteAccess::exclusive;
  const int flags = (exclusive ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
  const int descriptor = ::open(lock_path.c_str(), flags, 0600);
  if (descriptor < 0) {
    if (!exclusive && errno == ENOENT) return SqliteLock(-1);  // a copy that nobody ever locked
    return Error(ErrorCode::store_unavailable, "cannot open the lock file of the database");
  }
  SqliteLock lock(descriptor);
  if (::flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    return Error(ErrorCode::store_unavailable, "another process uses the database");
  }
  return lock;
}

Result<std::unique_ptr<Driver>> open_locked_sqlite(const std::string& path, SqliteAccess access,
                                                   const SqliteLock&) {
  if (access == SqliteAccess::exclusive) LK_CHECK(prepare_file(path));
  return std::unique_ptr<Driver>(
      std::make_unique<SqliteDriver>(path, access, SqliteLock(-1), kCheckpointPages));
}

Result<std::unique_ptr<Driver>> open_sqlite(const std::string& path, SqliteAccess access,
                                            int checkpoint_pages) {
  LK_TRY(SqliteLock lock, lock_sqlite(path, access));
  if (access == SqliteAccess::exclusive) LK_CHECK(prepare_file(path));
  return std::unique_ptr<Driver>(
      std::make_unique<SqliteDriver>(path, access, std::move(lock), checkpoint_pages));
}

}  // namespace latchkey::store
