#include "store/postgres_connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "store/postgres_values.h"

namespace latchkey::store {
namespace {

constexpr size_t kCachedStatementsMax = 512;
constexpr size_t kMessageMax = 300;
// How often a wait looks whether another server has taken over.
constexpr Milliseconds kLookEvery{500};

using SteadyClock = std::chrono::steady_clock;

std::string_view field_of(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view words_for(std::string_view state) {
  if (state == "25006") return "the server only reads: it is not the primary";
  if (state == "40001" || state == "40P01") return "it is in conflict with another transaction";
  if (state == "42501") return "the role may not do that";
  if (state == "42P01") return "a table is missing";
  if (state == "53100") return "the disk is full";
  if (state == "53300") return "there are too many connections";
  if (state == "55P03") return "another transaction held the lock for too long";
  if (state == "57014") return "the statement was cancelled";
  if (state.starts_with("57P")) return "the server is shutting down or starting";
  if (state.starts_with("08")) return "the connection failed";
  return "the statement failed";
}

// The server's own message may have values in it; its code has none.
Error unavailable(std::string_view state) {
  return Error(ErrorCode::store_unavailable, "the database answered " + std::string(state) + ": " +
                                                 std::string(words_for(state)));
}

// "people.email_key" as on SQLite: of "Key (email_key)=(...) already exists." only what stands in
// the first brackets, in whatever language the rest is.
std::string columns_of(const PGresult* result) {
  const std::string table(field_of(result, PG_DIAG_TABLE_NAME));
  const std::string_view detail = field_of(result, PG_DIAG_MESSAGE_DETAIL);
  const size_t open = detail.find('(');
  const size_t close = detail.find(")=(");
  if (open == detail.npos || close == detail.npos || close < open) {
    return table + "." + std::string(field_of(result, PG_DIAG_CONSTRAINT_NAME));
  }
  std::string columns = table + ".";
  for (const char c : detail.substr(open + 1, close - open - 1)) {
    columns += c;
    if (c == ' ') columns += table + ".";
  }
  return columns;
}

// What libpq says about a connection that failed, on one line and without the password.
std::string reason_of(const PGconn* connection, const PostgresTarget& target) {
  std::string reason = PQerrorMessage(connection);
  std::replace_if(
      reason.begin(), reason.end(), [](char c) { return c < ' '; }, ' ');
  const std::string_view password = target.password.reveal(RevealSecret{});
  for (size_t at = 0; !password.empty() && (at = reason.find(password, at)) != reason.npos;) {
    reason.replace(at, password.size(), "***");
  }
  reason.resize(std::min(reason.find_last_not_of(' ') + 1, kMessageMax));
  return reason;
}

// Statements that only steer a transaction take no part in the cache.
bool is_kept(std::string_view sql, size_t parameters) {
  return parameters > 0 || sql.starts_with("SELECT") || sql.starts_with("UPDATE") ||
         sql.starts_with("INSERT") || sql.starts_with("DELETE");
}

// A wait for a standby that was cut short is told by a warning alone, after the commit:
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/replication/syncrep.c
void note_warning(void* warned, const PGresult* notice) {
  const std::string_view state = field_of(notice, PG_DIAG_SQLSTATE);
  if (state == "01000" || state == "57P01") *static_cast<bool*>(warned) = true;
}

}  // namespace

PostgresConnection::PostgresConnection(PGconn* connection, const PostgresWaits& waits,
                                       PostgresHosts* hosts)
    : connection_(connection), waits_(waits), hosts_(hosts) {
  PQsetNoticeReceiver(connection, note_warning, &was_warned_);
}

PostgresConnection::~PostgresConnection() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresTarget& target,
                                                                     const PostgresWaits& waits,
                                                                     bool must_write,
                                                                     PostgresHosts* hosts) {
  const std::string connect_seconds = std::to_string(waits.connect_seconds);
  // Those that stand later count, so what is given in the URL does; but not for what we rely on.
  std::vector<std::pair<const char*, const char*>> all = {
      {"fallback_application_name", "latchkey"},
      {"connect_timeout", connect_seconds.c_str()},
      {"keepalives_idle", "5"},
      {"keepalives_interval", "2"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", "10000"},
  };
  if (must_write) all.emplace_back("target_session_attrs", "read-write");
  const uint64_t changes = hosts == nullptr ? 0 : hosts->changes();
  const auto parameters = hosts == nullptr ? target.parameters : hosts->parameters();
  for (const auto& [name, value] : parameters) all.emplace_back(name.c_str(), value.c_str());
  all.emplace_back("client_encoding", "UTF8");
  const std::string_view password = target.password.reveal(RevealSecret{});
  if (!password.empty()) all.emplace_back("password", password.data());
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : all) {
    names.push_back(name);
    values.push_back(value);
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const raw = PQconnectdbParams(names.data(), values.data(), 0);
  if (raw == nullptr) return Error(ErrorCode::store_unavailable, "out of memory");
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(raw, waits, hosts));
  if (PQstatus(raw) != CONNECTION_OK || PQsetnonblocking(raw, 1) != 0) {
    return Error(ErrorCode::store_unavailable,
                 "cannot connect to " + target.name + ": " + reason_of(raw, target));
  }
  if (hosts != nullptr) connection->mark_ = hosts->mark(raw, changes);
  LK_CHECK(connection->settle_session(must_write));
  return connection;
}

Result<void> PostgresConnection::settle_session(bool must_write) {
  if (PQserverVersion(connection_.get()) < 140'000) {
    return Error(ErrorCode::store_unavailable, "the server must be PostgreSQL 14 or newer");
  }
  // A transaction that is left open (a paused process) must not keep the others from writing. No
  // statement_timeout: it would end the wait for a standby and leave the commit in place.
  LK_CHECK(
      run_script("SET standard_conforming_strings = on; SET jit = off; SET lock_timeout = '5s';"
                 "SET statement_timeout = 0; SET idle_session_timeout = 0;"
                 "SET idle_in_transaction_session_timeout = '10s';"
                 "SET client_connection_check_interval = '5s'"));
  std::string wrong;
  LK_CHECK(
      run("SELECT current_setting('fsync'), current_setting('data_sync_retry'), "
          "current_setting('server_encoding'), pg_is_in_recovery()::int, "
          "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
          "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)",
          {}, [&](const Row& row) -> Result<void> {
            if (row.text(0) != "on") wrong = "fsync is off: what it commits may be lost";
            if (row.text(1) != "off")
              wrong = "data_sync_retry is on: a failed sync would be forgotten";
            if (row.text(2) != "UTF8") wrong = "the database's encoding must be UTF8";
            if (must_write && row.boolean(3))
              wrong = "the server only reads: it is not the primary";
            return {};
          }));
  if (!wrong.empty()) return Error(ErrorCode::store_unavailable, wrong);
  return {};
}

Result<int64_t> PostgresConnection::run(std::string_view sql, std::span<const Value> parameters,
                                        const RowCallback& on_row) {
  had_conflict_ = false;
  was_warned_ = false;
  LK_CHECK(check_host());
  if (transaction_lost_ && sql != "ROLLBACK") return unavailable("25P02");
  LK_CHECK(keep_outer_rows());
  transaction_lost_ = false;
  LK_TRY(const Prepared* const statement, prepare(sql, parameters.size()));
  LK_CHECK(send(*statement, parameters));
  if (later_ > 0 && PQpipelineSync(connection_.get()) != 1) return lose("it takes no statements");
  LK_CHECK(flush());
  if (later_ == 0) {
    // In a pipeline rows come all at once: those are the few of a write.
    PQsetSingleRowMode(connection_.get());
    return receive(sql, on_row);
  }
  auto before = finish_later();
  if (!before) {
    transaction_lost_ = !is_lost_;
    // What of this statement is still to come says only that it was not run.
    while (!is_lost_) {
      LK_TRY(const ResultPointer rest, next_result());
      if (!rest) break;
    }
  }
  Result<int64_t> changed = before ? receive(sql, on_row) : Result<int64_t>(before.error());
  if (is_lost_) return changed;
  LK_CHECK(leave_pipeline());
  return changed;
}

Result<void> PostgresConnection::run_later(std::string_view sql,
                                           std::span<const Value> parameters) {
  LK_CHECK(check_host());
  if (transaction_lost_) return unavailable("25P02");
  LK_CHECK(keep_outer_rows());
  LK_TRY(const Prepared* const statement, prepare(sql, parameters.size()));
  if (PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF) {
    LK_ASSERT(PQenterPipelineMode(connection_.get()) == 1);
  }
  LK_CHECK(send(*statement, parameters));
  ++later_;
  return {};
}

Result<void> PostgresConnection::run_script(std::string_view sql) {
  LK_CHECK(check_host());
  if (transaction_lost_) return unavailable("25P02");
  LK_CHECK(keep_outer_rows());
  LK_CHECK(end_pipeline());
  const std::string script(sql);
  if (PQsendQuery(connection_.get(), script.c_str()) != 1) return lose("it takes no statements");
  LK_CHECK(flush());
  Result<void> outcome;
  while (true) {
    LK_TRY(const ResultPointer result, next_result());
    if (!result) return outcome;
    if (outcome) outcome = check(result.get());
  }
}

// The statement of `sql`, which the server keeps by a name of ours.
Result<const PostgresConnection::Prepared*> PostgresConnection::prepare(std::string_view sql,
                                                                        size_t parameters) {
  const auto found = by_sql_.find(sql);
  if (found != by_sql_.end()) {
    cache_.splice(cache_.begin(), cache_, found->second);
  } else {
    Prepared made{std::string(sql), "", {}};
    if (is_kept(sql, parameters)) {
      LK_TRY(made, describe(sql));
    }
    cache_.push_front(std::move(made));
    by_sql_.emplace(cache_.front().sql, cache_.begin());
    if (cache_.size() > kCachedStatementsMax) forget_oldest();
  }
  LK_ASSERT(cache_.front().types.size() == parameters);
  return &cache_.front();
}

// Lets the server prepare `sql` and say of which types it takes the parameters to be.
Result<PostgresConnection::Prepared> PostgresConnection::describe(std::string_view sql) {
  Prepared made{std::string(sql), "s" + std::to_string(++prepared_), {}};
  PGconn* const connection = connection_.get();
  const bool is_alone = PQpipelineStatus(connection) == PQ_PIPELINE_OFF;
  if (is_alone) LK_ASSERT(PQenterPipelineMode(connection) == 1);
  if (PQsendPrepare(connection, made.name.c_str(), made.sql.c_str(), 0, nullptr) != 1 ||
      PQsendDescribePrepared(connection, made.name.c_str()) != 1 ||
      PQpipelineSync(connection) != 1) {
    return lose("it takes no statements");
  }
  LK_CHECK(flush());
  auto outcome = finish_later();
  if (!outcome) transaction_lost_ = !is_lost_;
  for (int results = 0; !is_lost_ && results < 2; ++results) {
    while (true) {
      LK_TRY(const ResultPointer result, next_result());
      if (!result) break;
      if (outcome) outcome = check(result.get());
      if (!outcome || results == 0) continue;
      for (int i = 0; i < PQnparams(result.get()); ++i) {
        made.types.push_back(PQparamtype(result.get(), i));
      }
    }
  }
  if (is_lost_) return outcome.error();
  LK_CHECK(leave_pipeline());
  LK_CHECK(outcome);
  return made;
}

void PostgresConnection::forget_oldest() {
  const Prepared& oldest = cache_.back();
  // Should it stay with the server, it costs memory there until the session ends.
  if (!oldest.name.empty() && later_ == 0) (void)run_script("DEALLOCATE " + oldest.name);
  by_sql_.erase(oldest.sql);
  cache_.pop_back();
}

Result<void> PostgresConnection::send(const Prepared& statement,
                                      std::span<const Value> parameters) {
  PostgresParameters bound;
  for (size_t i = 0; i < parameters.size(); ++i) bound.add(parameters[i], statement.types[i]);
  constexpr int kBinary = 1;
  PGconn* const connection = connection_.get();
  const int sent =
      statement.name.empty()
          ? PQsendQueryParams(connection, statement.sql.c_str(), 0, nullptr, nullptr, nullptr,
                              nullptr, kBinary)
          : PQsendQueryPrepared(connection, statement.name.c_str(), bound.count(), bound.values(),
                                bound.lengths(), bound.formats(), kBinary);
  if (sent != 1) return lose("it takes no statements");
  return {};
}

// Gives the rows of the statement that was sent, and counts what it changed.
Result<int64_t> PostgresConnection::receive(std::string_view sql, const RowCallback& on_row) {
  Answer answer;
  answer.outer = std::exchange(outer_, &answer);
  Result<void> outcome;
  int64_t changed = 0;
  while (true) {
    auto result = next_of(answer);
    if (!result) {
      outer_ = answer.outer;
      return result.error();
    }
    if (!*result) break;
    if (!outcome) continue;  // the rest is read, and not looked at
    outcome = check(result->get());
    if (outcome && on_row) outcome = give_rows(result->get(), on_row);
    const std::string_view tag = PQcmdStatus(result->get());
    // It rolled back instead, or it could not wait for its standby.
    if (outcome && ((sql == "COMMIT" && tag != "COMMIT") || was_warned_)) {
      outcome = Error(ErrorCode::store_unavailable, "the database did not confirm the commit");
    }
    if (!tag.starts_with("SELECT")) changed += std::atoll(PQcmdTuples(result->get()));
  }
  outer_ = answer.outer;
  LK_CHECK(outcome);
  return changed;
}

Result<void> PostgresConnection::give_rows(const PGresult* rows, const RowCallback& on_row) {
  for (int number = 0; number < PQntuples(rows); ++number) {
    const PostgresRow row(rows, number);
    LK_CHECK(on_row(row));
    if (row.refused()) {
      return Error(ErrorCode::integrity_violated, "a stored row has an impossible value");
    }
  }
  return {};
}

Result<PostgresConnection::ResultPointer> PostgresConnection::next_of(Answer& answer) {
  if (!answer.kept.empty()) {
    auto result = std::move(answer.kept.front());
    answer.kept.pop_front();
    return result;
  }
  if (answer.is_whole) return ResultPointer();
  LK_TRY(auto result, next_result());
  answer.is_whole = !result;
  return result;
}

Result<void> PostgresConnection::keep_outer_rows() {
  for (Answer* answer = outer_; answer != nullptr && !answer->is_whole; answer = answer->outer) {
    while (!answer->is_whole) {
      LK_TRY(auto result, next_result());
      answer->is_whole = !result;
      if (result) answer->kept.push_back(std::move(result));
    }
  }
  return {};
}

Result<void> PostgresConnection::finish_later() {
  Result<void> outcome;
  for (; later_ > 0; --later_) {
    while (true) {
      LK_TRY(const ResultPointer result, next_result());
      if (!result) break;
      if (outcome) outcome = check(result.get());
    }
  }
  return outcome;
}

Result<void> PostgresConnection::end_pipeline() {
  if (PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF) return {};
  if (PQpipelineSync(connection_.get()) != 1) return lose("it takes no statements");
  LK_CHECK(flush());
  auto outcome = finish_later();
  if (is_lost_) return outcome;
  transaction_lost_ = !outcome;
  LK_CHECK(leave_pipeline());
  return outcome;
}

// Reads the mark that ends what was sent together.
Result<void> PostgresConnection::leave_pipeline() {
  LK_TRY(const ResultPointer end, next_result());
  LK_ASSERT(PQresultStatus(end.get()) == PGRES_PIPELINE_SYNC);
  LK_ASSERT(PQexitPipelineMode(connection_.get()) == 1);
  return {};
}

Result<PostgresConnection::ResultPointer> PostgresConnection::next_result() {
  while (PQisBusy(connection_.get()) == 1) {
    LK_CHECK(wait_for_socket(PQflush(connection_.get()) == 1));
    if (PQconsumeInput(connection_.get()) != 1) return lose("it ended");
  }
  ResultPointer result(PQgetResult(connection_.get()));
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return lose("it ended");
  return result;
}

Result<void> PostgresConnection::flush() {
  while (true) {
    const int left = PQflush(connection_.get());
    if (left == 0) return {};
    if (left < 0) return lose("it ended");
    LK_CHECK(wait_for_socket(true));
    // A server whose answers nobody reads would stop reading too.
    if (PQconsumeInput(connection_.get()) != 1) return lose("it ended");
  }
}

Result<void> PostgresConnection::wait_for_socket(bool also_writable) {
  const auto deadline = SteadyClock::now() + waits_.answer;
  while (true) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - SteadyClock::now());
    if (left <= left.zero()) return lose("no answer came in time");
    LK_CHECK(check_host());
    const short events = static_cast<short>(also_writable ? POLLIN | POLLOUT : POLLIN);
    pollfd socket{PQsocket(connection_.get()), events, 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(std::min(left, kLookEvery).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lose(std::strerror(errno));
  }
}

Result<void> PostgresConnection::check(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE: return {};
    case PGRES_EMPTY_QUERY:
    case PGRES_COPY_OUT:
    case PGRES_COPY_IN:
    case PGRES_COPY_BOTH:
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED: break;
  }
  const std::string_view state = field_of(result, PG_DIAG_SQLSTATE);
  if (state.empty()) return lose("it ended");
  if (state == "23505") return Error(ErrorCode::already_exists, "", columns_of(result));
  had_conflict_ = state == "40001" || state == "40P01";
  Error error = unavailable(state);
  // Such a session is of no use: another one may reach the primary.
  const bool is_over = state.starts_with("57P") || state.starts_with("08") || state == "25006";
  return is_over ? lose(error.message) : error;
}

// What a server that was replaced still answers, it answers about another history.
Result<void> PostgresConnection::check_host() {
  if (is_lost_) return Error(ErrorCode::store_unavailable, "the connection to the database broke");
  if (hosts_ != nullptr && hosts_->is_replaced(mark_)) return lose("another server took over");
  return {};
}

Error PostgresConnection::lose(std::string_view why) {
  is_lost_ = true;
  later_ = 0;
  return Error(ErrorCode::store_unavailable,
               "the connection to the database broke: " + std::string(why));
}

int PostgresConnection::descriptor() const { return is_lost_ ? -1 : PQsocket(connection_.get()); }

Result<bool> PostgresConnection::take_notifications() {
  LK_CHECK(check_host());
  if (PQconsumeInput(connection_.get()) != 1) return lose("it ended");
  bool any = false;
  struct FreeNotify {
    void operator()(PGnotify* notify) const { PQfreemem(notify); }
  };
  while (std::unique_ptr<PGnotify, FreeNotify>(PQnotifies(connection_.get()))) any = true;
  return any;
}

}  // namespace latchkey::store
