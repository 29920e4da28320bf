// Values as PostgreSQL's binary format has them.
//
// https://www.postgresql.org/docs/15/protocol-overview.html#PROTOCOL-FORMAT-CODES
// Thread safety: values, and views of one result.
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <string>
#include <vector>

#include "store/driver.h"

namespace latchkey::store {

// One row of `result`, which outlives it.
class PostgresRow final : public Row {
 public:
  PostgresRow(const PGresult* result, int number) : result_(result), number_(number) {}
  bool is_null(int column) const override;
  // Of an integer or a boolean of any width; another type is refused.
  int64_t integer(int column) const override;
  std::string_view text(int column) const override;
  std::span<const uint8_t> blob(int column) const override;

 private:
  const PGresult* result_;
  const int number_;
};

// Parameters for libpq. Texts and blobs are borrowed until the statement was sent.
class PostgresParameters {
 public:
  // `type` is what the server takes the parameter for.
  void add(const Value& value, Oid type);

  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void add_bytes(const void* data, size_t size, int format);

  std::deque<std::string> numbers_;  // does not move what is in it
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

}  // namespace latchkey::store
