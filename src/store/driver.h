// The thin seam between our SQL and an engine.
//
// A Connection runs one statement at a time, with `$1`-style parameters, against one database. The
// same SQL text runs on every engine; what differs is in the migrations and in the driver. Blobs
// are bytes, booleans are 0 and 1, instants are milliseconds, ids are 16-byte blobs. Thread safety:
// one thread a Connection. Spec: docs/spec/store.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "core/ids.h"

namespace latchkey::store {

class SharedEngine;

// A parameter. Views live until run() returns.
class Value {
 public:
  Value(std::nullptr_t) : value_(nullptr) {}
  Value(int64_t number) : value_(number) {}
  Value(int number) : value_(int64_t{number}) {}
  Value(uint64_t number) : value_(static_cast<int64_t>(number)) {}
  Value(bool flag) : value_(int64_t{flag}) {}
  Value(std::string_view text) : value_(text) {}
  Value(const std::string& text) : value_(std::string_view(text)) {}
  Value(const char* text) : value_(std::string_view(text)) {}
  Value(Instant instant) : value_(instant.ms) {}
  Value(std::span<const uint8_t> bytes) : value_(bytes) {}
  template <size_t n>
  Value(const std::array<uint8_t, n>& bytes) : value_(std::span<const uint8_t>(bytes)) {}
  template <class Tag>
  Value(const core::Id<Tag>& id) : value_(std::span<const uint8_t>(id.uuid.bytes)) {}
  template <class T>
  Value(const std::optional<T>& maybe) : Value(maybe ? Value(*maybe) : Value(nullptr)) {}

  using Variant = std::variant<std::nullptr_t, int64_t, std::string_view, std::span<const uint8_t>>;
  const Variant& variant() const { return value_; }

 private:
  Variant value_;
};

// One row of an answer; columns count from 0. Views live until the callback returns.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool is_null(int column) const = 0;
  virtual int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual std::span<const uint8_t> blob(int column) const = 0;

  bool boolean(int column) const { return integer(column) != 0; }
  Instant instant(int column) const { return {integer(column)}; }
  std::optional<Instant> optional_instant(int column) const;
  // Bytes of a fixed size, an id, or one of the `valid` values of an enum. A database that holds
  // anything else is refused: the value is then empty or the first, and run() fails with
  // integrity_violated.
  template <size_t n>
  std::array<uint8_t, n> bytes(int column) const;
  template <class AnyId>
  AnyId id(int column) const {
    return AnyId{Uuid{bytes<16>(column)}};
  }
  template <class AnyId>
  std::optional<AnyId> optional_id(int column) const;
  template <class Enum>
  Enum one_of(int column, std::initializer_list<Enum> valid) const;

  // Says that the row holds what no writer of ours wrote.
  void refuse() const { refused_ = true; }
  bool refused() const { return refused_; }

 private:
  mutable bool refused_ = false;
};

// Called for each row; returning an error ends the statement with that error.
using RowCallback = std::function<Result<void>(const Row&)>;

class Connection {
 public:
  virtual ~Connection() = default;

  // Runs `sql`, which has one statement, with `parameters` as $1, $2, ..., and gives each row to
  // `on_row`. Returns the number of rows changed.
  // Errors: those of `on_row`; already_exists (a unique rule; `field` is the constraint's name or
  //         columns); integrity_violated (a row was refused); store_unavailable (anything else; the
  //         message names the engine's code, never a value). Once the engine has ended a
  //         transaction by itself, everything but ROLLBACK is refused with store_unavailable.
  virtual Result<int64_t> run(std::string_view sql, std::span<const Value> parameters,
                              const RowCallback& on_row) = 0;
  // As run() of a statement that gives no rows, but it may travel with the next one: if it fails,
  // that one fails with its error, and then everything but ROLLBACK is refused.
  virtual Result<void> run_later(std::string_view sql, std::span<const Value> parameters) {
    LK_CHECK(run(sql, parameters, RowCallback()));
    return {};
  }
  // Runs several statements without parameters: migrations.
  virtual Result<void> run_script(std::string_view sql) = 0;
  // Whether the last statement failed by a conflict that the same transaction, begun anew, may not
  // meet again.
  virtual bool had_conflict() const { return false; }

  Result<int64_t> run(std::string_view sql, std::initializer_list<Value> parameters = {}) {
    return run(sql, std::span(parameters.begin(), parameters.size()), RowCallback());
  }
  Result<int64_t> run(std::string_view sql, std::initializer_list<Value> parameters,
                      const RowCallback& on_row) {
    return run(sql, std::span(parameters.begin(), parameters.size()), on_row);
  }
  Result<void> run_later(std::string_view sql, std::initializer_list<Value> parameters = {}) {
    return run_later(sql, std::span(parameters.begin(), parameters.size()));
  }
};

// Called between the steps of a copy with how many bytes of how many are done; false ends it.
using CopyProgress = std::function<bool(uint64_t done, uint64_t total)>;

// An engine: opens connections to one database and knows its migrations.
class Driver {
 public:
  virtual ~Driver() = default;
  // Errors: store_unavailable.
  virtual Result<std::unique_ptr<Connection>> connect() = 0;
  // The engine's migration scripts in order; the n-th brings the schema to version n + 1.
  virtual std::span<const std::string_view> migrations() const = 0;
  // The statement that begins a transaction that only reads, all of it one state.
  virtual std::string_view begin_read() const { return "BEGIN"; }
  // The statement that begins a transaction that will write ("BEGIN IMMEDIATE").
  virtual std::string_view begin_write() const = 0;
  // What more there is when other processes write the same database; null: they cannot.
  virtual SharedEngine* shared() { return nullptr; }
  // Whether its connections can change the database.
  virtual bool can_write() const = 0;
  // Writes the database as it is at one moment to the new file `path` (0600), checks it and syncs
  // it. Who reads or writes goes on meanwhile. A copy that fails may leave the file behind.
  // Errors: configuration (the file cannot be made); conflict (`on_progress` ended it);
  //         integrity_violated (what was copied is not whole); store_unavailable.
  virtual Result<void> copy_to(const std::string& path, const CopyProgress& on_progress) = 0;
  // The statement, outside a transaction, that writes and syncs again all that an earlier process
  // left in the engine's journal; its row's first column is 0 when that is done.
  virtual std::string_view settle() const = 0;
  // Whether a sync failed in this process. What it covered may never reach the disk, and a later
  // sync would not tell: nothing more is written until the process was started again.
  virtual bool needs_restart() const = 0;
};

inline std::optional<Instant> Row::optional_instant(int column) const {
  if (is_null(column)) return std::nullopt;
  return instant(column);
}

template <size_t n>
std::array<uint8_t, n> Row::bytes(int column) const {
  std::array<uint8_t, n> bytes{};
  const auto stored = blob(column);
  if (stored.size() == n) {
    std::copy(stored.begin(), stored.end(), bytes.begin());
  } else {
    refuse();
  }
  return bytes;
}

template <class AnyId>
std::optional<AnyId> Row::optional_id(int column) const {
  if (is_null(column)) return std::nullopt;
  return id<AnyId>(column);
}

template <class Enum>
Enum Row::one_of(int column, std::initializer_list<Enum> valid) const {
  const int64_t number = integer(column);
  for (const Enum value : valid) {
    if (static_cast<int64_t>(value) == number) return value;
  }
  refuse();
  return *valid.begin();
}

}  // namespace latchkey::store
