#include "base/json.h"

#include <boost/json/error.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace latchkey {
namespace {

constexpr size_t kFirstTextBytes = 1024;

Error malformed(std::string message) {
  return Error(ErrorCode::body_malformed, std::move(message));
}

// Boost.JSON keeps the last of several equal names, so two readers could see two documents in one
// text. parse_json refuses them: it compares the members written with the members read.
// Counts the members of all objects of `value`.
size_t count_members(const json::value& value) {
  size_t count = 0;
  if (const auto* object = value.if_object()) {
    count += object->size();
    for (const auto& member : *object) count += count_members(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) count += count_members(element);
  }
  return count;
}

// Whether `value` holds a number that no double holds: Boost.JSON reads 1e999 as infinity, which no
// JSON text can say.
bool has_infinity(const json::value& value) {
  if (const double* number = value.if_double()) return !std::isfinite(*number);
  if (const auto* object = value.if_object()) {
    return std::any_of(object->begin(), object->end(),
                       [](const auto& member) { return has_infinity(member.value()); });
  }
  const auto* array = value.if_array();
  return array != nullptr && std::any_of(array->begin(), array->end(), has_infinity);
}

// Counts the ':' outside strings of well-formed `text`: one for each member as written.
size_t count_written_members(std::string_view text) {
  size_t count = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        in_string = false;
      }
    } else if (text[i] == '"') {
      in_string = true;
    } else if (text[i] == ':') {
      ++count;
    }
  }
  return count;
}

}  // namespace

Result<json::value> parse_json(std::string_view text, size_t depth_max) {
  if (text.empty()) return malformed("The body is empty; a JSON document was expected.");
  json::parse_options options;
  options.max_depth = depth_max;
  json::parser parser({}, options);
  boost::system::error_code error;
  const size_t consumed = parser.write_some(text, error);
  if (error == json::error::too_deep) {
    return malformed("The body is nested deeper than " + std::to_string(depth_max) + " levels.");
  }
  if (error && !is_utf8(text)) return malformed("The body is not UTF-8.");
  if (error) {
    const auto lines = std::count(text.begin(), text.begin() + static_cast<long>(consumed), '\n');
    return malformed("The body is not well-formed JSON: error near byte " +
                     std::to_string(consumed) + ", in line " + std::to_string(lines + 1) + ".");
  }
  if (text.find_first_not_of(" \t\r\n", consumed) != std::string_view::npos) {
    return malformed("The body has more than one JSON document.");
  }
  json::value value = parser.release();
  if (count_members(value) != count_written_members(text)) {
    return malformed("The body has an object with two members of the same name.");
  }
  if (has_infinity(value)) return malformed("The body has a number that is too large.");
  return value;
}

// Not json::serialize: it writes into a buffer on the stack first, which nobody wipes.
std::string format_json(const json::value& value) {
  json::serializer serializer;
  serializer.reset(&value);
  std::string text;
  size_t used = 0;
  while (!serializer.done()) {
    text.resize(std::max(text.size() * 2, kFirstTextBytes));
    used += serializer.read(text.data() + used, text.size() - used).size();
  }
  text.resize(used);
  return text;
}

std::string quote_json(std::string_view text) {
  return json::serialize(json::string_view(text.data(), text.size()));
}

Result<JsonReader> JsonReader::object(const json::value& value) {
  if (const auto* object = value.if_object()) return JsonReader(*object);
  return malformed("The body must be a JSON object.");
}

const json::value* JsonReader::find(std::string_view field) {
  asked_.emplace(field);
  const json::value* value = object_->if_contains(field);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::string> JsonReader::text(std::string_view field) {
  LK_TRY(auto value, optional_text(field));
  if (!value) return invalid_field(field, "is required");
  return *std::move(value);
}

Result<std::optional<std::string>> JsonReader::optional_text(std::string_view field) {
  const json::value* value = find(field);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return invalid_field(field, "must be a string");
  return std::optional<std::string>(std::string(value->get_string()));
}

Result<std::optional<bool>> JsonReader::optional_boolean(std::string_view field) {
  const json::value* value = find(field);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return invalid_field(field, "must be true or false");
  return std::optional<bool>(value->get_bool());
}

Result<std::optional<int64_t>> JsonReader::optional_integer(std::string_view field) {
  const json::value* value = find(field);
  if (value == nullptr) return std::optional<int64_t>();
  if (!value->is_int64()) return invalid_field(field, "must be a whole number");
  return std::optional<int64_t>(value->get_int64());
}

Result<void> JsonReader::refuse_unknown_fields() const {
  for (const auto& member : *object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (!asked_.contains(name)) return invalid_field(name, "is not a field of this request");
  }
  return {};
}

}  // namespace latchkey
