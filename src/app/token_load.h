// Reads every token row of one view for an index: what a start without a snapshot spends its time
// on.
//
// The caller's thread reads the rows; others check their MACs, close their scopes and give the
// items away, one thread at a time. Thread safety: one thread.
#pragma once

#include <functional>

#include "core/scope_catalog.h"
#include "store/store.h"
#include "verify/feed.h"

namespace latchkey::app {

struct TokenLoadDependencies {
  const core::ScopeCatalog& catalog;
  // Called for each row that was changed by somebody without the row key, one at a time.
  std::function<void(core::TokenId)> on_refused;
};

// Gives the items of all rows of `tx` that are ours to `sink`, one at a time, in no order.
// Errors: store_unavailable, integrity_violated (a row that no writer of ours wrote).
Result<void> load_all_tokens(store::ReadTx& tx, const TokenLoadDependencies& dependencies,
                             const verify::Feed::Sink& sink);

}  // namespace latchkey::app
