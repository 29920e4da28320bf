#include "core/declared_scope.h"

#include <algorithm>
#include <unordered_map>

#include "base/json.h"
#include "base/text.h"
#include "core/role.h"

namespace latchkey::core {
namespace {

constexpr size_t kIdentifierMax = 64;
constexpr size_t kTitleMax = 60;         // characters, as the category
constexpr size_t kDescriptionMax = 300;  // characters
constexpr size_t kImpliesMax = 20;

Error refused(std::string_view field, std::string_view rule) {
  return Error(ErrorCode::configuration, std::string(field) + " " + std::string(rule),
               std::string(field));
}

bool is_identifier_character(char c) {
  return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '_' || c == '-' || c == '.';
}

// A name of two parts at least, so that none is like a word of ours.
Result<void> check_identifier(std::string_view field, std::string_view text) {
  if (text.empty() || text.size() > kIdentifierMax) {
    return refused(field, "must have 1 to 64 characters");
  }
  if (!std::all_of(text.begin(), text.end(), is_identifier_character)) {
    return refused(field, "must have only the letters a-z, digits, '_', '-' and '.'");
  }
  if (text.starts_with("vso.")) {
    return refused(field, "must not begin with 'vso.', which is for the scopes that are built in");
  }
  const auto parts = split(text, '.');
  const bool is_whole = std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return !part.empty() && part[0] >= 'a' && part[0] <= 'z';
  });
  if (parts.size() < 2 || !is_whole) {
    return refused(field,
                   "must have a prefix and a name, such as acme.orders_read; each part between "
                   "dots begins with a letter");
  }
  return {};
}

Result<void> check_words(std::string_view field, std::string_view text, size_t characters_max) {
  if (!is_utf8(text) || has_control_character(text)) {
    return refused(field, "must be text without control characters");
  }
  if (trim(text).empty()) return refused(field, "must not be empty");
  if (trim(text) != text) return refused(field, "must not begin or end with a space");
  if (count_code_points(text) > characters_max) {
    return refused(field, "must have at most " + std::to_string(characters_max) + " characters");
  }
  return {};
}

// All that can be said of one declaration alone. `key` is where it stands, "gate.scope[2]".
Result<void> check_one(const std::string& key, const DeclaredScope& scope) {
  LK_CHECK(check_identifier(key + ".name", scope.identifier));
  LK_CHECK(check_words(key + ".title", scope.title, kTitleMax));
  LK_CHECK(check_words(key + ".description", scope.description, kDescriptionMax));
  LK_CHECK(check_words(key + ".category", scope.category, kTitleMax));
  if (scope.implies.size() > kImpliesMax) {
    return refused(key + ".implies", "must name at most 20 scopes");
  }
  for (auto later = scope.implies.begin(); later != scope.implies.end(); ++later) {
    LK_CHECK(check_identifier(key + ".implies", *later));
    if (std::find(scope.implies.begin(), later, *later) != later) {
      return refused(key + ".implies", "names " + *later + " twice");
    }
  }
  return {};
}

std::string key_of(size_t index) { return "gate.scope[" + std::to_string(index) + "]"; }

// Looks for a scope that implies itself, depth first.
class CycleFinder {
 public:
  using Places = std::unordered_map<std::string_view, size_t>;
  CycleFinder(std::span<const DeclaredScope> scopes, const Places& places)
      : scopes_(scopes), places_(places), marks_(scopes.size(), Mark::untouched) {}

  // REQUIRES: all that is implied is declared. Depth: at most the number of scopes, which is 126.
  Result<void> visit(size_t index) {
    if (marks_[index] == Mark::done) return {};
    if (marks_[index] == Mark::open) {
      return refused(key_of(index) + ".implies",
                     "must not lead back to " + scopes_[index].identifier);
    }
    marks_[index] = Mark::open;
    for (const std::string& implied : scopes_[index].implies) {
      LK_CHECK(visit(places_.at(implied)));
    }
    marks_[index] = Mark::done;
    return {};
  }

 private:
  enum class Mark { untouched, open, done };
  std::span<const DeclaredScope> scopes_;
  const Places& places_;
  std::vector<Mark> marks_;
};

json::object to_json(const DeclaredScope& scope) {
  return {{"name", scope.identifier},
          {"title", scope.title},
          {"description", scope.description},
          {"category", scope.category},
          {"implies", json::array(scope.implies.begin(), scope.implies.end())},
          {"role", role_name(scope.least_role)},
          {"highPrivilege", scope.high_privilege}};
}

Error damaged(const std::string& what) {
  return Error(ErrorCode::integrity_violated, "A stored scope is damaged: " + what + ".");
}

Result<DeclaredScope> read_scope(JsonReader& reader) {
  DeclaredScope scope;
  LK_TRY(scope.identifier, reader.text("name"));
  LK_TRY(scope.title, reader.text("title"));
  LK_TRY(scope.description, reader.text("description"));
  LK_TRY(scope.category, reader.text("category"));
  const json::value* implies = reader.find("implies");
  if (implies == nullptr || !implies->is_array()) return damaged("implies");
  for (const json::value& name : implies->get_array()) {
    if (!name.is_string()) return damaged("implies");
    scope.implies.emplace_back(name.get_string());
  }
  LK_TRY(const std::string role, reader.text("role"));
  const auto least_role = parse_role(role);
  if (!least_role) return damaged("role");
  scope.least_role = *least_role;
  LK_TRY(const auto high_privilege, reader.optional_boolean("highPrivilege"));
  scope.high_privilege = high_privilege.value_or(false);
  LK_CHECK(check_one("scope", scope));
  return scope;
}

template <class T>
Result<T> as_damage(Result<T> read) {
  if (read || read.error().code == ErrorCode::integrity_violated) return read;
  return damaged(read.error().message);
}

Result<NumberedScope> read_numbered(const json::value& value) {
  LK_TRY(JsonReader reader, JsonReader::object(value));
  NumberedScope numbered;
  LK_TRY(numbered.scope, read_scope(reader));
  LK_TRY(const auto number, reader.optional_integer("number"));
  if (!number || *number < kDeclaredNumberFirst || *number > kDeclaredNumberLast) {
    return damaged("number");
  }
  numbered.number = {static_cast<uint8_t>(*number)};
  LK_TRY(const auto withdrawn, reader.optional_boolean("withdrawn"));
  numbered.is_withdrawn = withdrawn.value_or(false);
  return numbered;
}

}  // namespace

Result<void> check_declared_scopes(std::span<const DeclaredScope> scopes) {
  if (scopes.size() > kDeclaredScopesMax) {
    return refused("gate.scope", "must stand at most 126 times");
  }
  CycleFinder::Places places;
  for (size_t i = 0; i < scopes.size(); ++i) {
    LK_CHECK(check_one(key_of(i), scopes[i]));
    const auto [first, is_new] = places.emplace(scopes[i].identifier, i);
    if (!is_new) {
      return refused(key_of(i) + ".name", "is declared in " + key_of(first->second) + " too");
    }
  }
  for (size_t i = 0; i < scopes.size(); ++i) {
    for (const std::string& implied : scopes[i].implies) {
      if (!places.contains(implied)) {
        return refused(key_of(i) + ".implies", "names " + implied + ", which is not declared");
      }
    }
  }
  CycleFinder finder(scopes, places);
  for (size_t i = 0; i < scopes.size(); ++i) LK_CHECK(finder.visit(i));
  return {};
}

std::string format_declared_scope(const DeclaredScope& scope) {
  return format_json(to_json(scope));
}

Result<DeclaredScope> parse_declared_scope(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return damaged(value.error().message);
  auto reader = JsonReader::object(*value);
  if (!reader) return damaged(reader.error().message);
  return as_damage(read_scope(*reader));
}

std::string format_numbered_scopes(std::span<const NumberedScope> scopes) {
  json::array all;
  for (const NumberedScope& numbered : scopes) {
    json::object row = to_json(numbered.scope);
    row["number"] = numbered.number.value;
    row["withdrawn"] = numbered.is_withdrawn;
    all.push_back(std::move(row));
  }
  return format_json(all);
}

Result<std::vector<NumberedScope>> parse_numbered_scopes(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return damaged(value.error().message);
  if (!value->is_array() || value->get_array().size() > kDeclaredScopesMax) {
    return damaged("not a list of at most 126");
  }
  std::vector<NumberedScope> scopes;
  for (const json::value& row : value->get_array()) {
    LK_TRY(NumberedScope numbered, as_damage(read_numbered(row)));
    scopes.push_back(std::move(numbered));
  }
  return scopes;
}

}  // namespace latchkey::core
