// The scope catalog as a server tells it to a gate: one JSON document of two.
//
// It has the forms of spec/azure-devops/scopes.json and spec/scope-numbers.json, so it is read and
// checked as those are. Thread safety: pure functions. Spec: docs/spec/feed.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/scope_catalog.h"

namespace latchkey::verify {

inline constexpr size_t kCatalogBytesMax = 1024 * 1024;

std::string format_catalog(const core::ScopeCatalog& catalog);
// Errors: configuration (what is wrong with it).
Result<core::ScopeCatalog> parse_catalog(std::string_view text);

}  // namespace latchkey::verify
