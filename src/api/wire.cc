#include "api/wire.h"

#include "base/text.h"

namespace latchkey::api {

Result<bool> read_lenient_boolean(JsonReader& reader, std::string_view field) {
  const json::value* value = reader.find(field);
  if (value == nullptr) return false;
  if (value->is_bool()) return value->get_bool();
  if (value->is_int64() && (value->get_int64() == 0 || value->get_int64() == 1)) {
    return value->get_int64() == 1;
  }
  if (value->is_string()) {
    const std::string_view text(value->get_string());
    if (ascii_equal_ignoring_case(text, "true")) return true;
    if (ascii_equal_ignoring_case(text, "false")) return false;
  }
  return invalid_field(field, "must be true or false");
}

json::object person_json(const core::Person& person) {
  json::object body;
  body["id"] = format_id(person.id);
  body["email"] = person.email;
  body["displayName"] = person.display_name;
  body["state"] = person.state == core::PersonState::active ? "active" : "disabled";
  body["isOperator"] = person.is_operator;
  body["createdAt"] = format_date_time(person.created_at);
  body["lastSignInAt"] = optional_time_json(person.last_sign_in_at);
  return body;
}

json::value optional_time_json(const std::optional<Instant>& instant) {
  return instant ? json::value(format_date_time(*instant)) : json::value(nullptr);
}

Result<core::Role> read_role(JsonReader& reader, std::string_view field) {
  LK_TRY(const std::string name, reader.text(field));
  const auto role = core::parse_role(name);
  if (!role) return invalid_field(field, "must be owner, administrator, member or reader");
  return *role;
}

}  // namespace latchkey::api
