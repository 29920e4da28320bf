// What an operation asks of a token's scopes.
//
// A requirement is a list of alternatives; a set of scopes meets it when it holds all scopes of any
// one alternative. An alternative without scopes is met by every good token; a requirement without
// alternatives by none. Thread safety: immutable after construction.
#pragma once

#include <vector>

#include "core/scope.h"

namespace latchkey::verify {

class ScopeRequirement {
 public:
  // Every good token.
  static ScopeRequirement any_token() { return ScopeRequirement({core::ScopeSet()}); }

  explicit ScopeRequirement(std::vector<core::ScopeSet> alternatives)
      : alternatives_(std::move(alternatives)) {}

  bool met_by(const core::ScopeSet& scopes) const {
    for (const core::ScopeSet& alternative : alternatives_) {
      if (scopes.contains_all(alternative)) return true;
    }
    return false;
  }
  const std::vector<core::ScopeSet>& alternatives() const { return alternatives_; }

 private:
  std::vector<core::ScopeSet> alternatives_;
};

}  // namespace latchkey::verify
