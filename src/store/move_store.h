// Moves a whole store from one engine to another: SQLite to PostgreSQL.
//
// Rows are copied table by table in the order of their keys, a batch a transaction, so that what is
// in the target says how far the copy is, and a kill costs the last batch. Until all is there and
// was verified the target has the version kImportSchema, which no server opens. The source is only
// read. Thread safety: one thread. Spec: docs/spec/store.md, "Moving".
#pragma once

#include <functional>
#include <memory>

#include "store/store.h"

namespace latchkey::store {

struct MoveProgress {
  std::function<void(uint64_t done, uint64_t total)> on_rows;    // of all tables
  std::function<void(uint64_t done, uint64_t total)> on_events;  // verified in the target
};

struct MoveReport {
  LogHead from;         // the head that was copied
  core::Epoch epoch;    // the new one, in which the target's log goes on
  uint64_t rows = 0;    // in all tables
  uint64_t copied = 0;  // by this run
  AuditReport audit;    // of the target
};

// Copies `source`, a SQLite database that nobody writes, to `target`, which nobody else writes.
// Errors: conflict (the target has a store already, or a part of another one); configuration (the
//         source's schema is not the newest); integrity_violated (a part of the copy is not as the
//         source, or does not verify: the message names it); store_unavailable (what was copied
//         stays, and a further run goes on from there).
Result<MoveReport> move_store(Driver& source, std::unique_ptr<Driver> target,
                              const StoreDependencies& dependencies, const MoveProgress& progress);

}  // namespace latchkey::store
