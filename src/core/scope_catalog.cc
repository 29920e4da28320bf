#include "core/scope_catalog.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/embedded.h"
#include "base/json.h"
#include "base/text.h"

LK_EMBEDDED(scopes_json);
LK_EMBEDDED(scope_numbers_json);

namespace latchkey::core {
namespace {

constexpr std::string_view kEverything = "*";

Error broken(std::string message) { return Error(ErrorCode::configuration, std::move(message)); }
Error invalid(std::string message) {
  return Error(ErrorCode::pat_invalid_scope, std::move(message), "scope");
}

// Reads `text` as JSON; any failure is one of configuration.
Result<json::value> parse_document(std::string_view text, std::string_view what) {
  auto value = parse_json(text);
  if (!value) return broken(std::string(what) + ": " + value.error().message);
  return *std::move(value);
}

Result<std::vector<std::string>> parse_implies(const json::value* value) {
  std::vector<std::string> implies;
  if (value == nullptr || !value->is_array()) return broken("`implies` must be an array");
  for (const json::value& element : value->get_array()) {
    if (!element.is_string()) return broken("`implies` must hold strings");
    implies.emplace_back(element.get_string());
  }
  return implies;
}

// One row of scopes.json, without its number and closure.
Result<Scope> parse_scope(const json::value& row) {
  Scope scope;
  LK_TRY(auto reader, JsonReader::object(row));
  LK_TRY(scope.identifier, reader.text("scope"));
  LK_TRY(scope.category, reader.text("category"));
  LK_TRY(scope.level, reader.text("access"));
  LK_TRY(scope.description, reader.text("description"));
  LK_TRY(scope.implies, parse_implies(reader.find("implies")));
  LK_TRY(const auto high_privilege, reader.optional_boolean("highPrivilege"));
  LK_TRY(const auto shown, reader.optional_boolean("shown"));
  LK_TRY(const auto grantable, reader.optional_boolean("grantable"));
  if (!high_privilege || !shown || !grantable) {
    return broken("`highPrivilege`, `shown` and `grantable` must be given");
  }
  scope.high_privilege = *high_privilege;
  scope.shown = *shown;
  scope.grantable = *grantable;
  const bool is_word = std::none_of(scope.identifier.begin(), scope.identifier.end(),
                                    [](char c) { return c <= ' ' || c > '~'; });
  if (scope.identifier.empty() || !is_word) return broken("an identifier must be a printable word");
  return scope;
}

// Closes `scopes[index]` over implication, depth first.
class Closer {
 public:
  Closer(std::vector<Scope>& scopes, const std::unordered_map<std::string, size_t>& by_identifier)
      : scopes_(scopes), by_identifier_(by_identifier), marks_(scopes.size(), Mark::untouched) {}

  Result<void> close(size_t index) {
    Scope& scope = scopes_[index];
    if (marks_[index] == Mark::closed) return {};
    if (marks_[index] == Mark::open) return broken(scope.identifier + " implies itself");
    marks_[index] = Mark::open;
    scope.closure.add(scope.number);
    for (const std::string& implied : scope.implies) {
      if (implied == kEverything) {
        scope.closure = ScopeSet::all();
        continue;
      }
      const auto found = by_identifier_.find(implied);
      if (found == by_identifier_.end()) {
        return broken(scope.identifier + " implies the unknown scope " + implied);
      }
      LK_CHECK(close(found->second));
      scope.closure |= scopes_[found->second].closure;
    }
    marks_[index] = Mark::closed;
    return {};
  }

 private:
  enum class Mark { untouched, open, closed };
  std::vector<Scope>& scopes_;
  const std::unordered_map<std::string, size_t>& by_identifier_;
  std::vector<Mark> marks_;
};

// Gives each scope its permanent number.
Result<void> assign_numbers(const json::value& document, std::vector<Scope>& scopes) {
  if (!document.is_object()) return broken("the numbers must be one JSON object");
  const json::object& numbers = document.get_object();
  std::array<bool, ScopeSet::kScopesMax> used{};
  for (Scope& scope : scopes) {
    const json::value* value = numbers.if_contains(scope.identifier);
    if (value == nullptr) return broken(scope.identifier + " has no number");
    const int64_t* number = value->if_int64();
    if (number == nullptr || *number < 0 || *number >= int64_t{ScopeSet::kScopesMax}) {
      return broken("the number of " + scope.identifier + " is not one of 0 to 255");
    }
    const auto slot = static_cast<size_t>(*number);
    if (std::exchange(used[slot], true)) {
      return broken("the number of " + scope.identifier + " is another scope's too");
    }
    scope.number = ScopeNumber{static_cast<uint8_t>(slot)};
  }
  // As many numbers as scopes and one for each, so a surplus one is of a scope that does not exist.
  if (numbers.size() != scopes.size()) return broken("there is a number of an unknown scope");
  return {};
}

// What a declared scope must not share with the built-in ones, or with the declared one before it.
Result<void> check_apart(const std::vector<Scope>& built_in, const Scope& before,
                         const NumberedScope& numbered) {
  const DeclaredScope& scope = numbered.scope;
  const bool is_taken = std::any_of(built_in.begin(), built_in.end(), [&](const Scope& other) {
    return other.number == numbered.number;
  });
  const bool is_repeated =
      before.origin != ScopeOrigin::built_in && before.number == numbered.number;
  if (is_taken || is_repeated || numbered.number.value < kDeclaredNumberFirst ||
      numbered.number.value > kDeclaredNumberLast) {
    return broken("the number of " + scope.identifier + " is not its own one of 128 to 253");
  }
  // People tell by the category whose scope it is.
  const bool has_our_category =
      std::any_of(built_in.begin(), built_in.end(), [&](const Scope& other) {
        return ascii_equal_ignoring_case(other.category, scope.category);
      });
  if (has_our_category && !numbered.is_withdrawn) {
    return broken("the category '" + scope.category + "' of " + scope.identifier +
                  " is one of the built-in scopes; give it one of your own");
  }
  return {};
}

Scope to_scope(const NumberedScope& numbered) {
  Scope scope;
  scope.number = numbered.number;
  scope.identifier = numbered.scope.identifier;
  scope.category = numbered.scope.category;
  scope.level = numbered.scope.title;
  scope.description = numbered.scope.description;
  scope.high_privilege = numbered.scope.high_privilege;
  scope.shown = scope.grantable = !numbered.is_withdrawn;
  scope.origin = numbered.is_withdrawn ? ScopeOrigin::withdrawn : ScopeOrigin::declared;
  scope.least_role = numbered.scope.least_role;
  if (!numbered.is_withdrawn) scope.implies = numbered.scope.implies;
  return scope;
}

// `identifier` in quotes for a message; what could not be read by people is only counted.
std::string name_scope(std::string_view identifier, size_t position) {
  constexpr size_t kShownMax = 100;
  const bool printable = std::all_of(identifier.begin(), identifier.end(),
                                     [](char c) { return c > ' ' && c <= '~' && c != '"'; });
  if (printable && !identifier.empty() && identifier.size() <= kShownMax) {
    return "The scope \"" + std::string(identifier) + "\"";
  }
  return "Scope number " + std::to_string(position + 1);
}

}  // namespace

ScopeCatalog ScopeCatalog::built_in() {
  auto catalog = parse(embedded::scopes_json(), embedded::scope_numbers_json());
  LK_ASSERT(catalog.has_value());
  return *std::move(catalog);
}

Result<ScopeCatalog> ScopeCatalog::parse(std::string_view scopes_json,
                                         std::string_view numbers_json) {
  LK_TRY(const json::value rows, parse_document(scopes_json, "the scopes"));
  LK_TRY(const json::value numbers, parse_document(numbers_json, "the numbers"));
  if (!rows.is_array()) return broken("the scopes must be one JSON array");
  ScopeCatalog catalog;
  for (const json::value& row : rows.get_array()) {
    auto scope = parse_scope(row);
    if (!scope) {
      return broken("scope row " + std::to_string(catalog.scopes_.size() + 1) + ": " +
                    scope.error().message);
    }
    const size_t index = catalog.scopes_.size();
    if (!catalog.by_identifier_.emplace(scope->identifier, index).second) {
      return broken(scope->identifier + " stands twice");
    }
    catalog.scopes_.push_back(*std::move(scope));
  }
  LK_CHECK(assign_numbers(numbers, catalog.scopes_));
  Closer closer(catalog.scopes_, catalog.by_identifier_);
  for (size_t i = 0; i < catalog.scopes_.size(); ++i) LK_CHECK(closer.close(i));
  return catalog;
}

Result<ScopeCatalog> ScopeCatalog::with(std::vector<NumberedScope> declared) const {
  LK_ASSERT(declared_.empty());
  std::vector<DeclaredScope> live;
  for (const NumberedScope& numbered : declared) {
    if (!numbered.is_withdrawn) live.push_back(numbered.scope);
  }
  LK_CHECK(check_declared_scopes(live));
  std::sort(declared.begin(), declared.end(),
            [](const auto& a, const auto& b) { return a.number.value < b.number.value; });
  ScopeCatalog catalog = *this;
  for (const NumberedScope& numbered : declared) {
    LK_CHECK(check_apart(scopes_, catalog.scopes_.back(), numbered));
    if (!catalog.by_identifier_.emplace(numbered.scope.identifier, catalog.scopes_.size()).second) {
      return broken(numbered.scope.identifier + " stands twice");
    }
    catalog.scopes_.push_back(to_scope(numbered));
  }
  Closer closer(catalog.scopes_, catalog.by_identifier_);
  for (size_t i = scopes_.size(); i < catalog.scopes_.size(); ++i) LK_CHECK(closer.close(i));
  for (Scope& scope : catalog.scopes_) {
    if (scope.origin == ScopeOrigin::withdrawn) scope.closure = {};
  }
  catalog.declared_ = std::move(declared);
  return catalog;
}

const Scope* ScopeCatalog::find(std::string_view identifier) const {
  const auto found = by_identifier_.find(std::string(identifier));
  return found == by_identifier_.end() ? nullptr : &scopes_[found->second];
}

Result<RequestedScopes> ScopeCatalog::parse_requested(std::string_view text) const {
  if (text.empty()) return invalid("No scope was given.");
  std::vector<bool> asked(scopes_.size());
  size_t position = 0;
  for (const std::string_view identifier : split(text, ' ')) {
    if (identifier.empty()) return invalid("Scopes must be separated by exactly one space.");
    const auto found = by_identifier_.find(std::string(identifier));
    if (found == by_identifier_.end()) {
      return invalid(name_scope(identifier, position) + " is unknown.");
    }
    const Scope& scope = scopes_[found->second];
    if (!scope.grantable) {
      return invalid(name_scope(identifier, position) + " cannot be given to a token.");
    }
    if (asked[found->second]) return invalid(name_scope(identifier, position) + " is given twice.");
    asked[found->second] = true;
    ++position;
  }
  RequestedScopes requested;
  for (size_t i = 0; i < scopes_.size(); ++i) {
    if (!asked[i]) continue;
    if (!requested.text.empty()) requested.text += ' ';
    requested.text += scopes_[i].identifier;
    requested.closure |= scopes_[i].closure;
    requested.full_access = requested.full_access || scopes_[i].identifier == kFullAccess;
  }
  if (requested.full_access && position > 1) {
    return invalid("The scope \"app_token\" is full access and cannot be given with others.");
  }
  return requested;
}

Result<ScopeSet> ScopeCatalog::closure_of(std::string_view canonical_text) const {
  ScopeSet closure;
  for (const std::string_view identifier : split(canonical_text, ' ')) {
    const Scope* scope = find(identifier);
    if (scope == nullptr) {
      return Error(ErrorCode::integrity_violated,
                   "A stored token names a scope that does not exist.");
    }
    closure |= scope->closure;
  }
  return closure;
}

std::string ScopeCatalog::format(const ScopeSet& set) const {
  std::string text;
  for (const Scope& scope : scopes_) {
    if (!set.contains(scope.number)) continue;
    if (!text.empty()) text += ' ';
    text += scope.identifier;
  }
  return text;
}

}  // namespace latchkey::core
