// Route rules: what opens an address, said by the operator, for what has no API description.
//
// A rule is methods, a path template, perhaps a host and a parameter of the query, and the scopes
// that open it. Rules become operations of the same route table that documents fill, so that one
// match has one meaning; ready sets are such rules for what many run: git over HTTP, npm and other
// package feeds, container registries. Thread safety: pure functions. Spec:
// docs/spec/route-rules.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gate/openapi.h"
#include "gate/path.h"

namespace latchkey::gate {

inline constexpr size_t kRulesMax = 10'000;
inline constexpr size_t kMethodsMax = 16;
inline constexpr size_t kRuleScopesMax = 64;

enum class RuleAccess {
  scopes,     // a token with the scopes
  any_token,  // any good token
  open        // anybody; a bad credential is refused all the same
};

struct RouteRule {
  std::string name;                  // shown in refusals and reports; empty: "GET /path"
  std::vector<std::string> methods;  // "GET", or "*" for all but TRACE and CONNECT
  std::string host;                  // pattern as of gate/host.h; empty: every host of its API
  std::string path;                  // template as of gate/path.h
  std::string query;                 // "name=value", "name=" for without it, or empty
  std::vector<std::string> scopes;   // alternatives; in one, scopes needed together by spaces
  RuleAccess access = RuleAccess::scopes;
};

// The operations of `rules`, one for each method.
// Errors: configuration (`field` is "rules[N].KEY"; the message names both and the rule).
Result<std::vector<Operation>> compile_rules(const std::vector<RouteRule>& rules);

// What a ready set of rules brings.
struct ReadySet {
  std::vector<RouteRule> rules;
  EncodedSlash encoded_slash = EncodedSlash::refused;
  bool basic_only = false;  // its clients take "Bearer" for the address of a token service
};

// The ready set `name` below the template `base` ("" or "/{organization}/_git"); nothing if there
// is none of this name.
std::optional<ReadySet> ready_set(std::string_view name, std::string_view base);
// The names, for errors and documents: "git", "maven", "npm", "pypi", "registry".
std::vector<std::string_view> ready_set_names();

}  // namespace latchkey::gate
