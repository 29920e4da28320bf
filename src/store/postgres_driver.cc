#include "store/postgres_driver.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "store/migrations_postgres.h"
#include "store/postgres_connection.h"
#include "store/shared_engine.h"

namespace latchkey::store {
namespace {

// Keys of advisory locks: "lk-serve" and "lk-schem".
constexpr std::string_view kLockHead =
    "SELECT CASE WHEN pg_try_advisory_xact_lock_shared(7812387952250746469) THEN 0 ELSE 1 END "
    "FROM log_head FOR UPDATE";
constexpr std::string_view kLockHeadAlone = "SELECT 0 FROM log_head FOR UPDATE";
constexpr std::string_view kServe =
    "SELECT CASE WHEN pg_try_advisory_lock_shared(7812387952250746469) THEN 0 ELSE 1 END";
constexpr std::string_view kHaveAlone =
    "SELECT CASE WHEN pg_try_advisory_lock(7812387952250746469) THEN 0 ELSE 1 END";
constexpr std::string_view kLockSchema = "SELECT pg_advisory_xact_lock(7812387952216532333)";

constexpr PostgresWaits kUsual{};
constexpr PostgresWaits kBrief{2, std::chrono::seconds(2)};

// Whether the statement's first column is 0.
Result<bool> is_granted(Connection& connection, std::string_view sql) {
  bool granted = false;
  LK_CHECK(connection.run(sql, {}, [&](const Row& row) -> Result<void> {
    granted = row.integer(0) == 0;
    return {};
  }));
  return granted;
}

class PostgresListener final : public Listener {
 public:
  explicit PostgresListener(std::unique_ptr<PostgresConnection> connection)
      : connection_(std::move(connection)), woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    LK_ASSERT(woken_ >= 0);
  }
  ~PostgresListener() override { ::close(woken_); }

  Result<void> wait(Milliseconds wait) override {
    LK_TRY(const bool heard, connection_->take_notifications());
    if (heard) return {};
    pollfd both[] = {{connection_->descriptor(), POLLIN, 0}, {woken_, POLLIN, 0}};
    if (::poll(both, 2, static_cast<int>(wait.count())) < 0 && errno != EINTR) {
      return Error(ErrorCode::store_unavailable, "cannot wait for notifications");
    }
    if (both[1].revents != 0) {
      uint64_t count = 0;
      (void)!::read(woken_, &count, sizeof count);
    }
    LK_CHECK(connection_->take_notifications());
    return {};
  }
  void wake() override {
    const uint64_t one = 1;
    (void)!::write(woken_, &one, sizeof one);
  }
  Connection& connection() override { return *connection_; }

 private:
  const std::unique_ptr<PostgresConnection> connection_;
  const int woken_;
};

class PostgresDriver final : public Driver, public SharedEngine {
 public:
  // `alone` holds the lock of an offline tool; null for the others.
  PostgresDriver(PostgresOptions options, std::unique_ptr<Connection> alone)
      : options_(std::move(options)), hosts_(options_.target), alone_(std::move(alone)) {}

  Result<std::unique_ptr<Connection>> connect() override { return connect_with(kUsual); }
  std::span<const std::string_view> migrations() const override { return postgres_migrations(); }
  std::string_view begin_read() const override {
    return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  }
  std::string_view begin_write() const override {
    return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
  }
  SharedEngine* shared() override { return can_write() ? this : nullptr; }
  bool can_write() const override { return options_.access != PostgresAccess::read_only; }
  Result<void> copy_to(const std::string&, const CopyProgress&) override {
    return Error(ErrorCode::configuration,
                 "a PostgreSQL database is backed up with its own tools: pg_basebackup and an "
                 "archive of its log, or pg_dump",
                 "", "docs/operating/postgresql.md says how");
  }
  // The server itself recovers before it answers, and ends when a sync fails.
  std::string_view settle() const override { return "SELECT 0"; }
  bool needs_restart() const override { return false; }

  std::string_view lock_head() const override { return alone_ ? kLockHeadAlone : kLockHead; }
  std::string_view lock_schema() const override { return kLockSchema; }
  std::string_view announce() const override { return "NOTIFY latchkey_head"; }
  Result<std::unique_ptr<Connection>> connect_briefly() override {
    LK_TRY(auto connection, connect_with(kBrief));
    // Each start leaves a row behind.
    LK_CHECK(connection->run(
        "DELETE FROM node_heartbeats "
        "WHERE beaten_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 86400000"));
    return connection;
  }
  Result<void> beat(Connection& connection) override {
    const auto beaten = connection.run(
        "INSERT INTO node_heartbeats (node_id, beaten_at) "
        "VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) "
        "ON CONFLICT (node_id) DO UPDATE SET beaten_at = excluded.beaten_at",
        {options_.node.bytes});
    // Another connection may stand around ours, and then tells nothing of hosts.
    if (const auto* const own = dynamic_cast<const PostgresConnection*>(&connection)) {
      beaten ? hosts_.note_commit(own->mark()) : hosts_.note_failure(own->mark());
    }
    LK_CHECK(beaten);
    return {};
  }
  Result<uint64_t> count_others(Connection& connection) override {
    uint64_t count = 0;
    LK_CHECK(connection.run(
        "SELECT COUNT(*) FROM node_heartbeats WHERE node_id <> $1 "
        "AND beaten_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 10000",
        {options_.node.bytes}, [&](const Row& row) -> Result<void> {
          count = static_cast<uint64_t>(row.integer(0));
          return {};
        }));
    return count;
  }
  Result<std::unique_ptr<Listener>> listen() override {
    LK_TRY(auto connection, PostgresConnection::open(options_.target, kBrief, true, &hosts_));
    if (!alone_) {
      LK_TRY(const bool serves, is_granted(*connection, kServe));
      if (!serves) {
        return Error(ErrorCode::conflict, "an offline tool has the database for itself", "",
                     "wait until it is done");
      }
    }
    LK_CHECK(connection->run("LISTEN latchkey_head"));
    return std::unique_ptr<Listener>(std::make_unique<PostgresListener>(std::move(connection)));
  }

 private:
  Result<std::unique_ptr<Connection>> connect_with(const PostgresWaits& waits) {
    LK_TRY(auto connection, PostgresConnection::open(options_.target, waits, can_write(), &hosts_));
    return std::unique_ptr<Connection>(std::move(connection));
  }

  const PostgresOptions options_;
  PostgresHosts hosts_;
  const std::unique_ptr<Connection> alone_;
};

}  // namespace

Result<std::unique_ptr<Driver>> open_postgres(PostgresOptions options) {
  std::unique_ptr<Connection> alone;
  if (options.access == PostgresAccess::exclusive) {
    LK_TRY(alone, PostgresConnection::open(options.target, kUsual, true));
    LK_TRY(const bool granted, is_granted(*alone, kHaveAlone));
    if (!granted) {
      return Error(ErrorCode::conflict, "nodes serve from this database, or another tool works", "",
                   "stop every node that uses it, and try again");
    }
  }
  return std::unique_ptr<Driver>(
      std::make_unique<PostgresDriver>(std::move(options), std::move(alone)));
}

}  // namespace latchkey::store
