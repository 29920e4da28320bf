#include "store/group_writer.h"

#include <map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "store/event_rows.h"
#include "store/shared_engine.h"

namespace latchkey::store {
namespace {

constexpr int kConflictTriesMax = 3;
constexpr const char* kSyncFailed =
    "a sync of the database failed: nothing is written until the server was started again";

// Counts what a body changes, so that a change without an event is found.
class CountingConnection final : public Connection {
 public:
  explicit CountingConnection(Connection& connection) : connection_(connection) {}
  Result<int64_t> run(std::string_view sql, std::span<const Value> parameters,
                      const RowCallback& on_row) override {
    auto changed = connection_.run(sql, parameters, on_row);
    if (changed) changes_ += *changed;
    return changed;
  }
  Result<void> run_later(std::string_view sql, std::span<const Value> parameters) override {
    ++changes_;
    return connection_.run_later(sql, parameters);
  }
  Result<void> run_script(std::string_view sql) override {
    ++changes_;
    return connection_.run_script(sql);
  }
  int64_t changes() const { return changes_; }

 private:
  Connection& connection_;
  int64_t changes_ = 0;
};

// A body's transaction. Events are kept until the body is done, because the first of them names the
// token rows that the body writes (rule E10).
class SqlWriteTx final : public WriteTx {
 public:
  SqlWriteTx(CountingConnection& connection, const StoreDependencies& dependencies, Instant now,
             const LogHead& head)
      : WriteTx(connection, dependencies.row_keys, dependencies.log),
        entropy_(dependencies.entropy),
        now_(now),
        head_(head) {}

  Result<core::Revision> append(const core::EventDraft& draft,
                                const core::EventContext& context) override {
    LK_ASSERT(draft.data.size() >= 2 && draft.data.front() == '{' && draft.data.back() == '}');
    Appended appended{{}, {{}, context}};
    if (auto filled = entropy_.fill(appended.context.salt); !filled) {
      failure_ = filled;
      return std::move(filled).error();
    }
    appended.event.revision.number = head_.revision.number + events_.size() + 1;
    appended.event.at = now_;
    appended.event.draft = draft;
    appended.event.context_digest = core::context_digest(context, appended.context.salt);
    events_.push_back(std::move(appended));
    return events_.back().event.revision;
  }
  Instant now() const override { return now_; }
  core::Revision bind_row(core::TokenId token, const Digest& mac) override {
    rows_.insert_or_assign(token, mac);
    return {head_.revision.number + 1};
  }

  void begin_epoch(core::Epoch epoch) override { epoch_ = epoch; }

  // Writes the events. Returns the head after them.
  Result<LogHead> finish(CountingConnection& connection, WriteKind kind) {
    LK_CHECK(failure_);
    if (kind == WriteKind::aside && (!events_.empty() || !rows_.empty() || epoch_)) {
      return Error(ErrorCode::internal, "a write aside must not change the state");
    }
    if (kind == WriteKind::state && events_.empty() && (connection.changes() > 0 || epoch_)) {
      return Error(ErrorCode::internal, "a change must append an event");
    }
    LogHead head = head_;
    if (epoch_) head.epoch = *epoch_;
    if (!rows_.empty()) add_rows(events_.front().event.draft.data);
    for (Appended& appended : events_) {
      appended.event.previous_hash = head.hash;
      appended.event.hash = core::event_hash(appended.event);
      LK_CHECK(insert_event(connection, appended.event, appended.context));
      head.revision = appended.event.revision;
      head.hash = appended.event.hash;
    }
    return head;
  }

 private:
  struct Appended {
    core::Event event;
    StoredContext context;
  };

  // {"scope":"x"} becomes {"scope":"x","tokenRows":{...}}.
  void add_rows(std::string& data) const {
    data.pop_back();
    data += data.size() == 1 ? "\"tokenRows\":{" : ",\"tokenRows\":{";
    const char* separator = "";
    for (const auto& [token, mac] : rows_) {
      data += separator;
      data += '"' + core::format_id(token) + "\":\"" + format_hex(mac) + '"';
      separator = ",";
    }
    data += "}}";
  }

  Entropy& entropy_;
  const Instant now_;
  const LogHead head_;
  std::vector<Appended> events_;
  std::map<core::TokenId, Digest> rows_;
  std::optional<core::Epoch> epoch_;
  Result<void> failure_;
};

}  // namespace

LogHead GroupWriter::write(std::span<WriteItem* const> items, const LogHead& known) {
  auto together = write_together(items, known);
  if (together) return *together;
  if (outcome_unknown_) {
    // To run the bodies again might make the same change twice.
    outcome_unknown_ = false;
    for (WriteItem* const item : items) item->outcome = Result<void>(together.error());
    return known;
  }
  LogHead head = known;
  for (WriteItem* const item : items) {
    // A database that cannot be reached is not asked once more for each.
    auto alone = cannot_connect_ ? together : write_alone(*item, head);
    if (alone) {
      head = *alone;
    } else {
      item->outcome = Result<void>(std::move(alone).error());
      outcome_unknown_ = false;
    }
  }
  return head;
}

Result<LogHead> GroupWriter::write_alone(WriteItem& item, const LogHead& known) {
  WriteItem* const items[] = {&item};
  auto head = write_together(items, known);
  for (int tries = 1; !head && had_conflict_ && tries < kConflictTriesMax; ++tries) {
    head = write_together(items, known);
  }
  return head;
}

// On failure no item has an outcome, and nothing was changed unless outcome_unknown_ says so.
Result<LogHead> GroupWriter::write_together(std::span<WriteItem* const> items,
                                            const LogHead& known) {
  cannot_connect_ = false;
  auto head = write_in_transaction(items, known);
  had_conflict_ = !head && connection_ && connection_->had_conflict();
  if (head) return head;
  roll_back();
  dependencies_.log.warning("store.transaction_failed",
                            {{"items", static_cast<int64_t>(items.size())},
                             {"code", error_name(head.error().code)},
                             {"message", head.error().message}});
  for (WriteItem* const item : items) item->outcome.reset();
  return head;
}

Result<LogHead> GroupWriter::write_in_transaction(std::span<WriteItem* const> items,
                                                  const LogHead& known) {
  if (driver_.needs_restart()) return Error(ErrorCode::store_unavailable, kSyncFailed);
  LK_CHECK(connect());
  LK_CHECK(settle());
  LK_CHECK(begin());
  LK_TRY(const LogHead before, load_head(known));
  LogHead head = before;
  const Instant now = dependencies_.clock.now();
  for (WriteItem* const item : items) LK_CHECK(write_item(*item, now, head));
  if (head.revision != before.revision) {
    const core::RowKeyView keys(dependencies_.row_keys);
    LK_CHECK(update_head(*connection_, sign_head(keys, head)));
    if (SharedEngine* const shared = driver_.shared()) {
      LK_CHECK(connection_->run_later(shared->announce()));
    }
  }
  auto committed = connection_->run("COMMIT");
  if (committed) return head;
  if (head.revision == before.revision) {
    // Nothing in the database tells whether it took place, and to run it again might do it twice.
    outcome_unknown_ = driver_.shared() != nullptr;
    return std::move(committed).error();
  }
  LK_CHECK(find_out(before, head));
  return head;
}

// From here to the end of the transaction nobody else moves the head.
Result<void> GroupWriter::begin() {
  SharedEngine* const shared = driver_.shared();
  if (shared == nullptr) {
    LK_CHECK(connection_->run(driver_.begin_write()));
    return {};
  }
  LK_CHECK(connection_->run_later(driver_.begin_write()));
  std::optional<int64_t> refused;
  LK_CHECK(connection_->run(shared->lock_head(), {}, [&](const Row& row) -> Result<void> {
    refused = row.integer(0);
    return {};
  }));
  if (!refused) {
    return Error(ErrorCode::integrity_violated, "the head of the event log is missing");
  }
  if (*refused != 0) {
    return Error(ErrorCode::store_unavailable, "an offline tool has the database for itself");
  }
  return {};
}

Result<void> GroupWriter::write_item(WriteItem& item, Instant now, LogHead& head) {
  LK_CHECK(connection_->run_later("SAVEPOINT item"));
  CountingConnection counting(*connection_);
  SqlWriteTx tx(counting, dependencies_, now, head);
  item.outcome = item.body(tx);
  if (*item.outcome) {
    auto finished = tx.finish(counting, item.kind);
    if (finished) {
      LK_CHECK(connection_->run_later("RELEASE item"));
      head = *finished;
      return {};
    }
    item.outcome = Result<void>(std::move(finished).error());
  }
  LK_CHECK(connection_->run("ROLLBACK TO item"));
  LK_CHECK(connection_->run("RELEASE item"));
  return {};
}

// The head in the database: what was known, or later.
Result<LogHead> GroupWriter::load_head(const LogHead& known) {
  LK_TRY(const LogHead head,
         load_signed_head(*connection_, core::RowKeyView(dependencies_.row_keys)));
  const auto continues = check_continues(*connection_, known, head);
  if (!continues && continues.error().code == ErrorCode::feed_truncated) {
    return Error(ErrorCode::integrity_violated, "the event log was put back while it was in use");
  }
  LK_CHECK(continues);
  return head;
}

// A commit that reported an error may have happened all the same: the log tells, as soon as nobody
// holds its head any more. Others may have gone on from it, so the event is looked for, not the
// end.
Result<void> GroupWriter::find_out(const LogHead& before, const LogHead& attempted) {
  outcome_unknown_ = true;
  // Then the head may show the change and the disk lose it all the same.
  if (driver_.needs_restart()) return Error(ErrorCode::store_unavailable, kSyncFailed);
  connection_.reset();
  LK_CHECK(connect());
  SharedEngine* const shared = driver_.shared();
  if (shared != nullptr) LK_CHECK(begin());
  LK_TRY(const LogHead stored,
         load_signed_head(*connection_, core::RowKeyView(dependencies_.row_keys)));
  LK_TRY(const auto hash, find_event_hash(*connection_, attempted.revision));
  if (hash != attempted.hash) {
    if (shared == nullptr && stored.revision != before.revision) {
      return Error(ErrorCode::integrity_violated, "the event log is not as it was written");
    }
    outcome_unknown_ = false;
    return Error(ErrorCode::store_unavailable, "the database did not take the change");
  }
  if (shared != nullptr) {
    // The engine may have ended while it waited for its standby. A commit after it is durable only
    // where all before it is.
    LK_CHECK(shared->beat(*connection_));
    LK_CHECK(connection_->run("COMMIT"));
  }
  outcome_unknown_ = false;
  return {};
}

Result<void> GroupWriter::connect() {
  if (connection_) return {};
  auto connection = driver_.connect();
  cannot_connect_ = !connection;
  LK_TRY(connection_, std::move(connection));
  return {};
}

Result<void> GroupWriter::settle() {
  if (settled_) return {};
  int64_t left = 1;
  LK_CHECK(connection_->run(driver_.settle(), {}, [&](const Row& row) -> Result<void> {
    left = row.integer(0);
    return {};
  }));
  if (left != 0) return Error(ErrorCode::store_unavailable, "the journal is in use");
  settled_ = true;
  return {};
}

void GroupWriter::roll_back() {
  if (connection_ && !connection_->run("ROLLBACK")) connection_.reset();
}

}  // namespace latchkey::store
