#include "store/move_store.h"

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "store/event_rows.h"
#include "store/inspect.h"
#include "store/shared_engine.h"
#include "store/sql_store.h"

namespace latchkey::store {
namespace {

constexpr int kBatchRows = 500;

enum class ColumnType { integer, text, blob };

struct Column {
  std::string name;
  ColumnType type = ColumnType::integer;
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<size_t> key;  // which of them, in the order of the primary key
};

std::string list(const Table& table, bool only_key) {
  std::string names;
  const auto add = [&](size_t column) {
    names += (names.empty() ? "" : ", ") + table.columns[column].name;
  };
  if (only_key) {
    for (const size_t column : table.key) add(column);
  } else {
    for (size_t column = 0; column < table.columns.size(); ++column) add(column);
  }
  return names;
}

// "$1, $2, $3"
std::string places(size_t count) {
  std::string text;
  for (size_t i = 1; i <= count; ++i) text += (i == 1 ? "$" : ", $") + std::to_string(i);
  return text;
}

Result<std::vector<Column>> list_columns(Connection& source, const std::string& table,
                                         std::vector<size_t>& key) {
  std::vector<Column> columns;
  LK_CHECK(source.run("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid", {table},
                      [&](const Row& row) -> Result<void> {
                        const std::string_view type = row.text(1);
                        Column& column = columns.emplace_back();
                        column.name = row.text(0);
                        column.type = type == "BLOB"   ? ColumnType::blob
                                      : type == "TEXT" ? ColumnType::text
                                                       : ColumnType::integer;
                        const auto place = static_cast<size_t>(row.integer(2));
                        if (place == 0) return {};
                        if (key.size() < place) key.resize(place);
                        key[place - 1] = columns.size() - 1;
                        return {};
                      }));
  return columns;
}

// All tables but the version's, in the order that they were made: one stands before those that
// refer to it.
Result<std::vector<Table>> list_tables(Connection& source) {
  std::vector<Table> tables;
  LK_CHECK(
      source.run("SELECT name FROM sqlite_schema WHERE type = 'table' "
                 "AND name NOT LIKE 'sqlite_%' AND name <> 'schema_version' ORDER BY rowid",
                 {}, [&](const Row& row) -> Result<void> {
                   tables.emplace_back().name = row.text(0);
                   return {};
                 }));
  for (Table& table : tables) {
    LK_TRY(table.columns, list_columns(source, table.name, table.key));
    LK_ASSERT(!table.key.empty());
  }
  return tables;
}

Result<uint64_t> count_rows(Connection& connection, const Table& table) {
  uint64_t count = 0;
  LK_CHECK(
      connection.run("SELECT COUNT(*) FROM " + table.name, {}, [&](const Row& row) -> Result<void> {
        count = static_cast<uint64_t>(row.integer(0));
        return {};
      }));
  return count;
}

// Values of a row, kept beyond it.
class Kept {
 public:
  void take(const Row& row, const Table& table, const std::vector<size_t>& columns) {
    numbers_.assign(columns.size(), 0);
    texts_.assign(columns.size(), {});
    for (size_t i = 0; i < columns.size(); ++i) {
      const int at = static_cast<int>(i);
      switch (table.columns[columns[i]].type) {
        case ColumnType::integer: numbers_[i] = row.integer(at); break;
        case ColumnType::text: texts_[i] = row.text(at); break;
        case ColumnType::blob: texts_[i] = as_text(row.blob(at)); break;
      }
    }
    is_empty_ = false;
  }
  bool is_empty() const { return is_empty_; }
  std::vector<Value> values(const Table& table, const std::vector<size_t>& columns) const {
    std::vector<Value> values;
    for (size_t i = 0; i < columns.size(); ++i) {
      switch (table.columns[columns[i]].type) {
        case ColumnType::integer: values.emplace_back(numbers_[i]); break;
        case ColumnType::text: values.emplace_back(std::string_view(texts_[i])); break;
        case ColumnType::blob: values.emplace_back(as_bytes(texts_[i])); break;
      }
    }
    return values;
  }

 private:
  static std::string as_text(std::span<const uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool is_empty_ = true;
  std::vector<int64_t> numbers_;
  std::vector<std::string> texts_;
};

Value value_of(const Row& row, int column, ColumnType type) {
  if (row.is_null(column)) return nullptr;
  switch (type) {
    case ColumnType::integer: return row.integer(column);
    case ColumnType::text: return row.text(column);
    case ColumnType::blob: return row.blob(column);
  }
  LK_ASSERT(false);
  return nullptr;
}

class Move {
 public:
  Move(Driver& source, Driver& target, const StoreDependencies& dependencies,
       const MoveProgress& progress)
      : source_driver_(source),
        target_driver_(target),
        dependencies_(dependencies),
        progress_(progress) {}

  Result<MoveReport> run() {
    const core::RowKeyView keys(dependencies_.row_keys);
    LK_TRY(const DatabaseFacts facts, inspect_database(source_driver_, keys));
    const auto newest = static_cast<int64_t>(source_driver_.migrations().size());
    if (facts.schema_version != newest) {
      return Error(ErrorCode::configuration, "the database has an older schema", "",
                   "start the server on it once, stop it, and try again");
    }
    report_.from = facts.head;
    LK_TRY(source_, source_driver_.connect());
    LK_TRY(target_, target_driver_.connect());
    LK_TRY(tables_, list_tables(*source_));
    LK_CHECK(prepare_target());
    LK_CHECK(count());
    for (const Table& table : tables_) LK_CHECK(copy(table));
    for (const Table& table : tables_) LK_CHECK(compare(table));
    return report_;
  }

 private:
  // Makes the schema, or makes sure that what is there is a part of the same source.
  Result<void> prepare_target() {
    const auto version = find_schema_version(*target_);
    if (version && *version != kImportSchema) {
      LK_TRY(const bool was_moved, has_moved());
      // A run that was killed after its end leaves that to be said.
      return was_moved ? Error(ErrorCode::conflict, "all of this database is in the target already",
                               "", "put store.url into latchkey.toml and start the nodes")
                       : Error(ErrorCode::conflict, "the target has a store already", "",
                               "name an empty database");
    }
    if (version) return check_source();
    LK_CHECK(target_->run(target_driver_.begin_write()));
    LK_CHECK(target_->run(target_driver_.shared()->lock_schema()));
    LK_CHECK(target_->run_script("CREATE TABLE schema_version (version BIGINT NOT NULL)"));
    LK_CHECK(target_->run("INSERT INTO schema_version (version) VALUES ($1)", {kImportSchema}));
    for (const auto step : target_driver_.migrations()) LK_CHECK(target_->run_script(step));
    LK_CHECK(target_->run_script("CREATE TABLE moved_from (hash BYTEA NOT NULL)"));
    LK_CHECK(target_->run("INSERT INTO moved_from (hash) VALUES ($1)", {report_.from.hash}));
    LK_CHECK(target_->run("COMMIT"));
    return {};
  }

  // Whether an earlier run opened the target to servers: the event after the last that was copied.
  Result<bool> has_moved() {
    const std::string moved = "\"movedHash\":\"" + format_hex(report_.from.hash) + "\"";
    bool found = false;
    LK_CHECK(target_->run("SELECT data FROM events WHERE revision = $1",
                          {report_.from.revision.number + 1}, [&](const Row& row) -> Result<void> {
                            found = row.text(0).find(moved) != std::string_view::npos;
                            return {};
                          }));
    return found;
  }

  Result<void> check_source() {
    Digest hash{};
    LK_CHECK(target_->run("SELECT hash FROM moved_from", {}, [&](const Row& row) -> Result<void> {
      hash = row.bytes<32>(0);
      return {};
    }));
    if (hash == report_.from.hash) return {};
    return Error(ErrorCode::conflict,
                 "the target has a part of another database, or of this one before it changed", "",
                 "drop the target, make an empty one, and try again");
  }

  Result<void> count() {
    for (const Table& table : tables_) {
      LK_TRY(const uint64_t rows, count_rows(*source_, table));
      LK_TRY(const uint64_t there, count_rows(*target_, table));
      report_.rows += rows;
      done_ += there;
    }
    return {};
  }

  Result<void> copy(const Table& table) {
    // Where an earlier run came to: its batches are whole.
    Kept last;
    std::string descending = list(table, true);
    for (size_t at = 0; (at = descending.find(',', at)) != descending.npos; at += 6) {
      descending.insert(at, " DESC");
    }
    LK_CHECK(target_->run("SELECT " + list(table, true) + " FROM " + table.name + " ORDER BY " +
                              descending + " DESC LIMIT 1",
                          {}, [&](const Row& row) -> Result<void> {
                            last.take(row, table, table.key);
                            return {};
                          }));
    while (true) {
      LK_CHECK(target_->run(target_driver_.begin_write()));
      LK_TRY(const int rows, copy_batch(table, last));
      LK_CHECK(target_->run("COMMIT"));
      done_ += static_cast<uint64_t>(rows);
      report_.copied += static_cast<uint64_t>(rows);
      if (progress_.on_rows) progress_.on_rows(done_, report_.rows);
      if (rows < kBatchRows) return {};
    }
  }

  // Copies the rows after `last`, and moves it on.
  Result<int> copy_batch(const Table& table, Kept& last) {
    const std::string key = list(table, true);
    std::string sql = "SELECT " + list(table, false) + ", " + key + " FROM " + table.name;
    const std::vector<Value> after =
        last.is_empty() ? std::vector<Value>() : last.values(table, table.key);
    if (!last.is_empty()) sql += " WHERE (" + key + ") > (" + places(after.size()) + ")";
    sql += " ORDER BY " + key + " LIMIT " + std::to_string(kBatchRows);
    const std::string insert = "INSERT INTO " + table.name + " (" + list(table, false) +
                               ") VALUES (" + places(table.columns.size()) + ")";
    int rows = 0;
    Kept reached;
    const auto give = [&](const Row& row) -> Result<void> {
      std::vector<Value> values;
      for (size_t i = 0; i < table.columns.size(); ++i) {
        values.push_back(value_of(row, static_cast<int>(i), table.columns[i].type));
      }
      LK_CHECK(target_->run_later(insert, std::span<const Value>(values)));
      if (++rows == kBatchRows) reached = key_of(table, row);
      return {};
    };
    LK_CHECK(source_->run(sql, std::span(after), give));
    last = std::move(reached);
    return rows;
  }

  static Kept key_of(const Table& table, const Row& row) {
    // The key's columns stand after all others.
    class Shifted final : public Row {
     public:
      Shifted(const Row& inner, size_t by) : inner_(inner), by_(static_cast<int>(by)) {}
      bool is_null(int column) const override { return inner_.is_null(column + by_); }
      int64_t integer(int column) const override { return inner_.integer(column + by_); }
      std::string_view text(int column) const override { return inner_.text(column + by_); }
      std::span<const uint8_t> blob(int column) const override { return inner_.blob(column + by_); }

     private:
      const Row& inner_;
      const int by_;
    };
    Kept kept;
    kept.take(Shifted(row, table.columns.size()), table, table.key);
    return kept;
  }

  Result<void> compare(const Table& table) {
    LK_TRY(const uint64_t here, count_rows(*source_, table));
    LK_TRY(const uint64_t there, count_rows(*target_, table));
    if (here == there) return {};
    return Error(
        ErrorCode::integrity_violated,
        table.name + ": " + std::to_string(there) + " rows instead of " + std::to_string(here), "",
        "drop the target, make an empty one, and try again");
  }

  Driver& source_driver_;
  Driver& target_driver_;
  const StoreDependencies& dependencies_;
  const MoveProgress& progress_;
  std::unique_ptr<Connection> source_;
  std::unique_ptr<Connection> target_;
  std::vector<Table> tables_;
  uint64_t done_ = 0;
  MoveReport report_;
};

// Verifies the copy and, in one transaction, begins an epoch in it and lets servers open it. A new
// epoch, since the source may go on in the old one: then a revision would have two meanings.
Result<void> open_to_servers(SqlStore& store, int64_t version, Entropy& entropy,
                             const MoveProgress& progress, MoveReport& report) {
  LK_TRY(report.audit, verify_audit(store, progress.on_events));
  LK_CHECK(verify_rights(store));
  LK_TRY(report.epoch, core::make_id<core::Epoch>(entropy));
  const auto change = [&](WriteTx& tx) -> Result<void> {
    core::EventDraft draft;
    draft.action = core::Action::store_restored;
    draft.data = R"({"by":"move","epoch":")" + core::format_id(report.epoch) +
                 R"(","movedEpoch":")" + core::format_id(report.from.epoch) + R"(","movedHash":")" +
                 format_hex(report.from.hash) + R"(","movedRevision":)" +
                 std::to_string(report.from.revision.number) + "}";
    core::EventContext context;
    context.mechanism = "console";
    tx.begin_epoch(report.epoch);
    LK_CHECK(tx.append(draft, context));
    LK_CHECK(tx.connection().run_script("DROP TABLE moved_from"));
    LK_CHECK(tx.connection().run("UPDATE schema_version SET version = $1", {version}));
    return {};
  };
  LK_CHECK(store.write(change));
  return {};
}

}  // namespace

Result<MoveReport> move_store(Driver& source, std::unique_ptr<Driver> target,
                              const StoreDependencies& dependencies, const MoveProgress& progress) {
  LK_TRY(MoveReport report, Move(source, *target, dependencies, progress).run());
  const auto version = static_cast<int64_t>(target->migrations().size());
  LK_TRY(auto listener, target->shared()->listen());
  SqlStore store(std::move(target), dependencies, report.from, std::move(listener));
  LK_CHECK(open_to_servers(store, version, dependencies.entropy, progress, report));
  return report;
}

}  // namespace latchkey::store
