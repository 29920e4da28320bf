// Which scopes there are, what they are called and what they imply.
//
// The catalog is data: spec/azure-devops/scopes.json gives names and implications, and
// spec/scope-numbers.json the permanent numbers. Both are compiled in; parse() checks that every
// scope has exactly one number and that implication has no cycle. Full access (`app_token`) closes
// to every bit, also to those that no scope has yet; its own bit, 255, is set by nothing else.
// Scopes that the operator declared stand behind the built-in ones (core/declared_scope.h).
// Thread safety: immutable after parse(). Spec: docs/spec/scopes.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/declared_scope.h"
#include "core/scope.h"

namespace latchkey::core {

// A withdrawn scope was declared once and is no more: it may stand in tokens, and opens nothing.
enum class ScopeOrigin { built_in, declared, withdrawn };

struct Scope {
  ScopeNumber number;
  std::string identifier;   // "vso.code_write"
  std::string category;     // "Code"
  std::string level;        // "Read & write"
  std::string description;  // one sentence for people
  bool high_privilege = false;
  bool shown = false;                // offered on the tokens page
  bool grantable = false;            // may stand in a token
  ScopeSet closure;                  // itself and all that it implies, transitively
  std::vector<std::string> implies;  // directly, as identifiers; "*" for full access
  ScopeOrigin origin = ScopeOrigin::built_in;
  std::optional<Role> least_role;  // of declared ones: whose tokens can use it
};

// What a token was asked to have, checked against the catalog.
struct RequestedScopes {
  std::string text;  // canonical: identifiers in catalog order, one space between; or "app_token"
  ScopeSet closure;  // for the index
  bool full_access = false;
};

class ScopeCatalog {
 public:
  static constexpr std::string_view kFullAccess = "app_token";

  // The catalog that is compiled in.
  static ScopeCatalog built_in();
  // The catalog of two JSON documents of the forms of the files named above.
  // Errors: configuration (what is wrong, and with which scope).
  static Result<ScopeCatalog> parse(std::string_view scopes_json, std::string_view numbers_json);
  // This catalog with `declared` behind it, in the order of their numbers.
  // Errors: configuration (a rule of declared_scope.h, a built-in category, a number twice).
  // REQUIRES: this one has built-in scopes only.
  Result<ScopeCatalog> with(std::vector<NumberedScope> declared) const;

  const std::vector<Scope>& scopes() const { return scopes_; }  // in catalog order
  const std::vector<NumberedScope>& declared() const { return declared_; }
  const Scope* find(std::string_view identifier) const;  // null when unknown

  // Reads the wire form of a token's scope: identifiers separated by single spaces.
  // Errors: pat_invalid_scope naming the first scope that is unknown, not grantable, given twice or
  //         mixed with full access, or saying that none was given; `field` is "scope".
  Result<RequestedScopes> parse_requested(std::string_view text) const;
  // The closure of a text that parse_requested made, for rows read back from the store.
  // Errors: integrity_violated if it names what the catalog does not have.
  Result<ScopeSet> closure_of(std::string_view canonical_text) const;
  // The identifiers of `set`'s scopes in catalog order, one space between.
  std::string format(const ScopeSet& set) const;

 private:
  ScopeCatalog() = default;
  std::vector<Scope> scopes_;
  std::vector<NumberedScope> declared_;
  std::unordered_map<std::string, size_t> by_identifier_;
};

}  // namespace latchkey::core
