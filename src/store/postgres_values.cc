#include "store/postgres_values.h"

#include "base/assert.h"

namespace latchkey::store {
namespace {

// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat
constexpr Oid kBool = 16;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;

constexpr int kText = 0;
constexpr int kBinary = 1;

size_t width_of(Oid type) {
  if (type == kBool) return 1;
  if (type == kInt2) return 2;
  if (type == kInt4) return 4;
  return type == kInt8 ? 8 : 0;
}

// Big-endian, in two's complement.
std::string encode(int64_t number, size_t width) {
  std::string bytes(width, '\0');
  for (size_t i = 0; i < width; ++i) {
    bytes[width - 1 - i] = static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  }
  return bytes;
}

int64_t decode(const uint8_t* bytes, size_t width) {
  uint64_t number = (bytes[0] & 0x80) != 0 && width > 1 ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < width; ++i) number = (number << 8) | bytes[i];
  return static_cast<int64_t>(number);
}

}  // namespace

bool PostgresRow::is_null(int column) const { return PQgetisnull(result_, number_, column) == 1; }

int64_t PostgresRow::integer(int column) const {
  if (is_null(column)) return 0;
  const size_t width = width_of(PQftype(result_, column));
  if (width == 0 || static_cast<size_t>(PQgetlength(result_, number_, column)) != width) {
    refuse();
    return 0;
  }
  return decode(reinterpret_cast<const uint8_t*>(PQgetvalue(result_, number_, column)), width);
}

std::string_view PostgresRow::text(int column) const {
  if (is_null(column)) return {};
  return {PQgetvalue(result_, number_, column),
          static_cast<size_t>(PQgetlength(result_, number_, column))};
}

std::span<const uint8_t> PostgresRow::blob(int column) const {
  const std::string_view bytes = text(column);
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

void PostgresParameters::add(const Value& value, Oid type) {
  struct Adder {
    PostgresParameters& to;
    Oid type;
    void operator()(std::nullptr_t) const {
      to.values_.push_back(nullptr);
      to.lengths_.push_back(0);
      to.formats_.push_back(kText);
    }
    void operator()(int64_t number) const {
      const size_t width = width_of(type);
      const bool fits = width >= 8 || (width > 1 && number >> (8 * width - 1) == number >> 63) ||
                        (width == 1 && (number == 0 || number == 1));
      // As a text the server reads it itself, and says so if it cannot be.
      to.numbers_.push_back(fits ? encode(number, width) : std::to_string(number));
      const std::string& bytes = to.numbers_.back();
      to.add_bytes(bytes.data(), bytes.size(), fits ? kBinary : kText);
    }
    void operator()(std::string_view text) const {
      to.add_bytes(text.data(), text.size(), kBinary);
    }
    void operator()(std::span<const uint8_t> bytes) const {
      to.add_bytes(bytes.data(), bytes.size(), kBinary);
    }
  };
  std::visit(Adder{*this, type}, value.variant());
}

// A null pointer would be NULL; an empty text is not.
void PostgresParameters::add_bytes(const void* data, size_t size, int format) {
  values_.push_back(data == nullptr ? "" : static_cast<const char*>(data));
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(format);
}

}  // namespace latchkey::store
