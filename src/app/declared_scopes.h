// The `[[gate.scope]]` tables of a configuration file.
//
// Each declares one scope for the APIs behind a gate. A key that nobody knows, a value of another
// type and a rule of core/declared_scope.h that is broken are refused with the table's place and
// the key. Thread safety: pure but for reading the file. Documented in docs/operating/scopes.md.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/declared_scope.h"

namespace latchkey::app {

// Errors: configuration (`field` is "gate.scope[INDEX].KEY"; the message has the rule and line).
Result<std::vector<core::DeclaredScope>> read_declared_scopes(const std::string& path);

// As TOML, in the same form. Empty for none.
std::string format_declared_scopes(std::span<const core::DeclaredScope> scopes);

}  // namespace latchkey::app
