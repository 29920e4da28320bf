// What the owner of an API should know of its guarded operations before a gate stands before it.
//
// Overlaps are pairs of templates that some path matches both of. Where one is the more concrete in
// each segment it wins, and hides the other's method there if it has not got it; where each is the
// more concrete somewhere, the first difference decides, which a reader may not expect. Thread
// safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "gate/guarded_routes.h"

namespace latchkey::gate {

struct RouteReport {
  size_t operations = 0;
  size_t open = 0;                     // without a credential
  std::vector<std::string> any_token;  // "GET /path": no scope is asked for
  std::vector<std::string> ambiguous;  // sentences
  std::vector<std::string> hidden;     // sentences
  bool is_complete = true;             // false: too many pairs, or too many sentences
};

// Cost: compares the templates of one length in pairs, at most ten million.
RouteReport report_routes(const std::vector<GuardedOperation>& operations);

}  // namespace latchkey::gate
