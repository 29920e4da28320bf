// Rows of declared scopes: which number each has, for good.
//
// A row is never deleted, so no number is given twice. What a row says of its scope is the
// declaration as it was last seen: checks go by the configuration, so the row decides nothing but
// the number. Thread safety: as of the transaction. Spec: docs/spec/scopes.md, S22.
#pragma once

#include <vector>

#include "core/declared_scope.h"
#include "store/store.h"

namespace latchkey::store {

// All of them, by number. Errors: integrity_violated (a row that no writer of ours wrote).
Result<std::vector<core::NumberedScope>> list_scope_rows(ReadTx& tx);
// Inserts the scope, or brings the row of its number up to date.
// Errors: already_exists (another number has its name).
Result<void> upsert_scope_row(WriteTx& tx, const core::NumberedScope& scope);

}  // namespace latchkey::store
