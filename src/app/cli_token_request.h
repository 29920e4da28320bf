// From the options of `latchkey token ...` to the bodies and paths of the lifecycle API.
//
// Thread safety: pure functions. Spec: docs/spec/lifecycle-api.md.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace latchkey::app {

struct TokenOptions {
  std::string id;
  std::string name;
  std::vector<std::string> scopes;  // each may hold several, between spaces or commas
  unsigned days = 0;                // 0: not given
  std::string until;                // "2026-12-01"; empty: not given
  std::string state = "active";     // of the list
  std::string sort = "createdOn";
  std::string search;
  bool ascending = false;
  bool as_administrator = false;
};

// "/ORGANIZATION/_apis/tokens/pats..." with api-version; `organization` is percent-encoded.
std::string pats_path(const std::string& organization, const std::string& rest,
                      const std::string& query = "");
// The scope text: identifiers between single spaces.
std::string scope_text(const std::vector<std::string>& scopes);
// The expiry that is asked for, as a date-time; empty when none is given.
// Errors: configuration (both are given, or the day is none).
Result<std::string> valid_to_text(const TokenOptions& options, Instant now);
// Errors: as valid_to_text.
Result<json::value> create_body(const TokenOptions& options, Instant now);
// Only what is to be changed. Errors: as valid_to_text; configuration (nothing is to be changed).
Result<json::value> update_body(const TokenOptions& options, Instant now);
std::string list_query(const TokenOptions& options, const std::string& continuation);

}  // namespace latchkey::app
