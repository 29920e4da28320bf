// What is read as JSON is UTF-8, not too deep, has no name twice in an object, and survives being
// written and read again, unless it has a number that is a double: Boost.JSON 1.81 does not round
// those to the nearest, so that the last digit may change, and we read none.
#include "base/json.h"

#include <set>
#include <vector>

#include "base/text.h"
#include "target.h"

namespace latchkey {
namespace {

// The text of the string whose opening quote is at `i`, its escapes read; `i` ends after it.
// REQUIRES: well-formed JSON.
std::string take_string(std::string_view text, size_t& i) {
  const size_t begin = i++;
  while (text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  ++i;
  // A document of one string has no names, so that this asks nothing of what is tested.
  const auto value = parse_json(text.substr(begin, i - begin));
  LK_ASSERT(value && value->is_string());
  return std::string(value->get_string());
}

// Whether an object of the well-formed `text` has a name twice, by reading it from left to right.
bool has_name_twice(std::string_view text) {
  std::vector<std::set<std::string>> open;  // the names of each open object or array
  std::string last;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"') {
      last = take_string(text, i);
      continue;
    }
    if (c == '{' || c == '[') open.emplace_back();
    if (c == '}' || c == ']') open.pop_back();
    if (c == ':' && !open.back().insert(last).second) return true;
    ++i;
  }
  return false;
}

bool has_double(const json::value& value) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (has_double(member.value())) return true;
    }
  }
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) {
      if (has_double(element)) return true;
    }
  }
  return value.is_double();
}

size_t depth_of(const json::value& value) {
  size_t deepest = 0;
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      LK_ASSERT(is_utf8({member.key().data(), member.key().size()}));
      deepest = std::max(deepest, depth_of(member.value()));
    }
    return deepest + 1;
  }
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) deepest = std::max(deepest, depth_of(element));
    return deepest + 1;
  }
  if (const auto* text = value.if_string()) LK_ASSERT(is_utf8({text->data(), text->size()}));
  return 0;
}

void check_reader(const json::value& value) {
  auto reader = JsonReader::object(value);
  LK_ASSERT(reader.has_value() == value.is_object());
  if (!reader) return;
  for (const auto& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    const auto text = reader->text(name);
    LK_ASSERT(text.has_value() == member.value().is_string());
    if (!text) LK_ASSERT(text.error().field == name);
    const auto flag = reader->optional_boolean(name);
    LK_ASSERT(flag.has_value() == (member.value().is_bool() || member.value().is_null()));
    const auto number = reader->optional_integer(name);
    LK_ASSERT(number.has_value() == (member.value().is_int64() || member.value().is_null()));
  }
  LK_ASSERT(reader->refuse_unknown_fields());
}

}  // namespace
}  // namespace latchkey

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string_view text = fuzz::as_text(data, size);
  const auto value = parse_json(text);
  if (!value) {
    LK_ASSERT(value.error().code == ErrorCode::body_malformed);
    if (is_utf8(text)) LK_ASSERT(parse_json(quote_json(text)));
    return 0;
  }
  LK_ASSERT(is_utf8(text));
  LK_ASSERT(!has_name_twice(text));
  LK_ASSERT(depth_of(*value) <= 32);
  check_reader(*value);
  if (has_double(*value)) return 0;
  const std::string written = format_json(*value);
  const auto again = parse_json(written);
  LK_ASSERT(again && *again == *value);
  LK_ASSERT(format_json(*again) == written);
  return 0;
}
