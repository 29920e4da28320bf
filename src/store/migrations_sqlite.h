// The schema for SQLite, as the steps that lead to it.
//
// A step that was released is never changed; a new one is added. Thread safety: constants.
// Spec: docs/spec/store.md, "Migrations".
#pragma once

#include <span>
#include <string_view>

namespace latchkey::store {

// The n-th script brings the schema from version n to n + 1.
std::span<const std::string_view> sqlite_migrations();

}  // namespace latchkey::store
