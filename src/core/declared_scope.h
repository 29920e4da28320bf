// Scopes that an operator declares for the APIs behind a gate, beside those that are built in.
//
// A declaration is checked whole or refused: name, words, implication. It implies declared scopes
// only, so that no declaration widens what the built-in ones guard. Each has a permanent number of
// 128 to 253, which the store gives; one that is declared no more keeps its number and opens
// nothing. Thread safety: values and pure functions. Spec: docs/spec/scopes.md, S20 to S27.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/scope.h"

namespace latchkey::core {

enum class Role;  // core/role.h

struct DeclaredScope {
  std::string identifier;  // "acme.orders_read"
  std::string title;       // "Read"; the level on the tokens page
  std::string description;
  std::string category;              // "Acme orders"
  std::vector<std::string> implies;  // identifiers of declared scopes
  Role least_role{1};                // whose tokens can use it: this one and the more powerful ones
  bool high_privilege = false;
  friend bool operator==(const DeclaredScope&, const DeclaredScope&) = default;
};

// A declaration with what the store adds to it.
struct NumberedScope {
  DeclaredScope scope;
  ScopeNumber number;
  bool is_withdrawn = false;  // declared once, and no more
  friend bool operator==(const NumberedScope&, const NumberedScope&) = default;
};

inline constexpr uint8_t kDeclaredNumberFirst = 128;
inline constexpr uint8_t kDeclaredNumberLast = 253;
inline constexpr size_t kDeclaredScopesMax = kDeclaredNumberLast - kDeclaredNumberFirst + 1;

// Whether all of `scopes` keep the rules, each alone and together.
// Errors: configuration; `field` is the key, such as "gate.scope[2].implies".
Result<void> check_declared_scopes(std::span<const DeclaredScope> scopes);

// The declaration as one JSON object, always the same text for the same scope; and back.
// Errors: integrity_violated (not such a text, or one that breaks a rule of a scope alone).
std::string format_declared_scope(const DeclaredScope& scope);
Result<DeclaredScope> parse_declared_scope(std::string_view text);

// As one JSON array, for indexes elsewhere; and back. Errors: integrity_violated.
std::string format_numbered_scopes(std::span<const NumberedScope> scopes);
Result<std::vector<NumberedScope>> parse_numbered_scopes(std::string_view text);

}  // namespace latchkey::core
