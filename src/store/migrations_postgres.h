// The schema on PostgreSQL, step by step: that of SQLite in PostgreSQL's words.
//
// Thread safety: any thread. Spec: docs/spec/store.md, "Schema".
#pragma once

#include <span>
#include <string_view>

namespace latchkey::store {

// As Driver::migrations(): as many steps as sqlite_migrations() has, with the same meaning.
std::span<const std::string_view> postgres_migrations();

}  // namespace latchkey::store
