// JSON documents from outside, within limits, over Boost.JSON.
//
// parse_json takes UTF-8 text of RFC 8259 only (no comments, no trailing commas, no duplicate
// names, at most 32 levels deep). Bodies of our own routes are read through a JsonReader: it
// fetches fields by name and type, collects nothing half, and can refuse what nobody asked for.
// Thread safety: values; a JsonReader belongs to one thread.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace latchkey {

namespace json = boost::json;

inline constexpr size_t kJsonDepthMax = 32;

// Errors: body_malformed (message says where). REQUIRES: the caller bounded text.size(), and
// `depth_max` by the stack.
Result<json::value> parse_json(std::string_view text, size_t depth_max = kJsonDepthMax);

std::string format_json(const json::value& value);
// `text` as a JSON string with its quotes.
std::string quote_json(std::string_view text);

// Reads the fields of one object. A field that is absent or null counts as not given.
class JsonReader {
 public:
  // Errors: body_malformed when `value` is not an object.
  static Result<JsonReader> object(const json::value& value);

  // Errors: invalid_argument naming the field when it is missing or of another type.
  Result<std::string> text(std::string_view field);
  Result<std::optional<std::string>> optional_text(std::string_view field);
  Result<std::optional<bool>> optional_boolean(std::string_view field);
  Result<std::optional<int64_t>> optional_integer(std::string_view field);
  // The raw value, or null.
  const json::value* find(std::string_view field);
  // Errors: invalid_argument naming the first field that was never asked for.
  Result<void> refuse_unknown_fields() const;

 private:
  explicit JsonReader(const json::object& object) : object_(&object) {}
  const json::object* object_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace latchkey
