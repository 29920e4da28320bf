// The route table's rule as a plain loop, to compare the table with. For tests and fuzzing.
//
// Of the templates that match, the one counts that is concrete at the first place where it differs
// from each other one; then the method. Only what a path's segments are is shared with the table
// (gate/path.h). Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "gate/openapi.h"
#include "gate/path.h"

namespace latchkey::gate {

// The operation_id that `method` on `path` is, or the name of the error.
// REQUIRES: RouteTable::build() takes `operations`.
inline std::string match_linearly(const std::vector<Operation>& operations, std::string_view method,
                                  std::string_view path) {
  PathSegments parts;
  if (const auto parsed = parts.parse(path); !parsed) {
    return std::string(error_name(parsed.error().code));
  }
  std::string best_kinds, found;
  bool is_known = false;
  for (const Operation& candidate : operations) {
    const auto segments = *parse_template(candidate.path);
    if (parts.is_too_long() || segments.size() != parts.size()) continue;
    std::string kinds;  // 'a' sorts a concrete segment before 'b', a parameter
    bool matches = true;
    for (size_t i = 0; i < parts.size() && matches; ++i) {
      kinds += segments[i].is_parameter ? 'b' : 'a';
      matches = segments[i].is_parameter || ascii_equal_ignoring_case(segments[i].text, parts[i]);
    }
    if (!matches || (is_known && kinds > best_kinds)) continue;
    if (!is_known || kinds < best_kinds) found.clear();
    is_known = true;
    best_kinds = kinds;
    if (candidate.method == method) found = candidate.operation_id;
  }
  if (!found.empty()) return found;
  if (is_known && method == "HEAD") return match_linearly(operations, "GET", path);
  return is_known ? "method_not_allowed" : "route_unknown";
}

}  // namespace latchkey::gate
