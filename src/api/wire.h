// Wire forms that several areas share: people, sessions, and the contract's loose values.
//
// Contract routes take what real clients send: booleans as strings or numbers, enumerations as
// names or numbers. Our own routes do not. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time_text.h"
#include "core/person.h"

namespace latchkey::api {

// A boolean as true, "true", "false", 1 or 0; false when absent. Errors: invalid_argument.
Result<bool> read_lenient_boolean(JsonReader& reader, std::string_view field);

json::object person_json(const core::Person& person);
// Null when there is none.
json::value optional_time_json(const std::optional<Instant>& instant);

// Reads a role by name. Errors: invalid_argument naming `field`.
Result<core::Role> read_role(JsonReader& reader, std::string_view field);
// Reads an id. Errors: invalid_argument naming `field`.
template <class AnyId>
Result<AnyId> read_id(std::string_view text, std::string_view field) {
  const auto id = core::parse_id<AnyId>(text);
  if (!id) return invalid_field(field, "must be a UUID");
  return *id;
}

}  // namespace latchkey::api
