// One session with a PostgreSQL server, in which every wait has an end.
//
// Statements are prepared once and kept; values go as bytes, and rows are taken one by one, so that
// a long answer is never in memory. What is run later travels together with what is run next. A
// server that does not answer in time is given up with the session. Thread safety: one thread.
// https://www.postgresql.org/docs/15/libpq.html. Spec: docs/spec/store.md, "PostgreSQL".
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/driver.h"
#include "store/postgres_hosts.h"
#include "store/postgres_target.h"

namespace latchkey::store {

struct PostgresWaits {
  int connect_seconds = 5;
  Milliseconds answer = std::chrono::seconds(15);  // from one byte of an answer to the next
};

class PostgresConnection final : public Connection {
 public:
  // Opens a session and makes sure of what our promises need of the server. `must_write` refuses a
  // server that only reads (a standby). `hosts`, of the same target and living longer than the
  // session, say which host is tried first, and end it when another one has taken over.
  // Errors: store_unavailable (also for a server that is not set up to keep what it commits).
  static Result<std::unique_ptr<PostgresConnection>> open(const PostgresTarget& target,
                                                          const PostgresWaits& waits,
                                                          bool must_write,
                                                          PostgresHosts* hosts = nullptr);
  ~PostgresConnection() override;

  Result<int64_t> run(std::string_view sql, std::span<const Value> parameters,
                      const RowCallback& on_row) override;
  using Connection::run;
  Result<void> run_later(std::string_view sql, std::span<const Value> parameters) override;
  Result<void> run_script(std::string_view sql) override;
  bool had_conflict() const override { return had_conflict_; }
  const PostgresHosts::Mark& mark() const { return mark_; }

  // The socket that notifications come on; -1 when the session is over.
  int descriptor() const;
  // Takes what came in. Returns whether there was a notification. Errors: store_unavailable.
  Result<bool> take_notifications();

 private:
  struct FinishConnection {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct ClearResult {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using ResultPointer = std::unique_ptr<PGresult, ClearResult>;
  struct Prepared {
    std::string sql;
    std::string name;        // empty: run without preparing it
    std::vector<Oid> types;  // of the parameters
  };
  using Cache = std::list<Prepared>;
  // What is still to come of the statement whose rows are being given.
  struct Answer {
    std::deque<ResultPointer> kept;
    bool is_whole = false;
    Answer* outer = nullptr;
  };

  PostgresConnection(PGconn* connection, const PostgresWaits& waits, PostgresHosts* hosts);

  Result<void> settle_session(bool must_write);
  Result<const Prepared*> prepare(std::string_view sql, size_t parameters);
  Result<Prepared> describe(std::string_view sql);
  void forget_oldest();
  Result<void> send(const Prepared& statement, std::span<const Value> parameters);
  Result<int64_t> receive(std::string_view sql, const RowCallback& on_row);
  Result<void> give_rows(const PGresult* rows, const RowCallback& on_row);
  // The next result of the running statement; null at its end. Errors: store_unavailable.
  Result<ResultPointer> next_result();
  Result<ResultPointer> next_of(Answer& answer);
  // Reads the rest of what outer statements still have to say, so that another one can be sent.
  Result<void> keep_outer_rows();
  // Sends what waits and learns what became of all that was run later.
  Result<void> finish_later();
  Result<void> end_pipeline();
  Result<void> leave_pipeline();
  Result<void> flush();
  Result<void> wait_for_socket(bool also_writable);
  // What `result` says, or success.
  Result<void> check(const PGresult* result);
  Result<void> check_host();
  Error lose(std::string_view why);

  std::unique_ptr<PGconn, FinishConnection> connection_;
  const PostgresWaits waits_;
  PostgresHosts* const hosts_;  // null: nobody else tells
  PostgresHosts::Mark mark_;
  Cache cache_;
  std::map<std::string_view, Cache::iterator, std::less<>> by_sql_;  // views of the cache's texts
  uint64_t prepared_ = 0;
  size_t later_ = 0;               // statements sent whose results were not read
  Answer* outer_ = nullptr;        // of the statement whose rows are being given
  bool is_lost_ = false;           // the session is over, or nobody knows where it stands
  bool transaction_lost_ = false;  // what was run later failed: only ROLLBACK goes on
  bool had_conflict_ = false;
  bool was_warned_ = false;  // the server warned while it ran the last statement
};

}  // namespace latchkey::store
