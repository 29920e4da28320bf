#include "gate/openapi_pointer.h"

#include <string>

#include "base/text.h"

namespace latchkey::gate {
namespace {

constexpr int kReferencesMax = 16;

// A step of a pointer, unescaped: first as a URI fragment, then "~1" and "~0" (RFC 6901, section
// 4); nothing if it is malformed.
std::optional<std::string> unescape(std::string_view step) {
  const auto decoded = percent_decode(step, PlusSign::literal);
  if (!decoded) return std::nullopt;
  std::string text;
  for (size_t i = 0; i < decoded->size(); ++i) {
    if ((*decoded)[i] != '~') {
      text += (*decoded)[i];
      continue;
    }
    ++i;
    if (i == decoded->size() || ((*decoded)[i] != '0' && (*decoded)[i] != '1')) return std::nullopt;
    text += (*decoded)[i] == '0' ? '~' : '/';
  }
  return text;
}

// The object that the pointer behind "#/" names; null when it is not there.
const json::object* find_by_pointer(const json::object& document, std::string_view pointer) {
  const json::object* object = &document;
  for (const std::string_view step : split(pointer, '/')) {
    const auto name = unescape(step);
    object = name ? find_object(*object, *name) : nullptr;
    if (!object) return nullptr;
  }
  return object;
}

}  // namespace

const json::object* find_object(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

std::string_view find_text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value ? value->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

Result<const json::object*> follow_reference(const json::object& document,
                                             const json::object& object) {
  const json::object* found = &object;
  for (int steps = 0; found && found->contains("$ref"); ++steps) {
    const std::string reference(find_text(*found, "$ref"));
    if (steps == kReferencesMax) {
      return Error(ErrorCode::configuration,
                   "OpenAPI document: the reference '" + reference + "' leads in a circle.",
                   reference);
    }
    found = reference.starts_with("#/")
                ? find_by_pointer(document, std::string_view(reference).substr(2))
                : nullptr;
  }
  return found;
}

}  // namespace latchkey::gate
