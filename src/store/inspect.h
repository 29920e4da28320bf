// What a database is, without changing it: its schema, its head, the keys that it needs.
//
// Works on schemas of earlier versions too, which opening the store would bring up to date.
// Thread safety: one thread a call. Spec: docs/spec/store.md, "Backup".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/row_keys.h"
#include "store/store.h"

namespace latchkey::store {

struct DatabaseFacts {
  int64_t schema_version = 0;
  LogHead head;                          // its epoch is nil if the schema is of before epochs
  std::vector<std::string> digest_keys;  // ids under which live tokens are digested, in order
};
// Errors: integrity_violated (the head is signed with none of the row keys, or not the last event);
//         configuration (not a database of ours; the schema is newer than this program);
//         store_unavailable.
Result<DatabaseFacts> inspect_database(Driver& driver, const core::RowKeyView& row_keys);

// Gives the events after `head` to `on_event`, oldest first, if the log behind `connection` goes on
// from there to a head that is signed with one of the row keys.
// Errors: those of `on_event`; conflict (it does not go on from `head`); integrity_violated;
//         configuration; store_unavailable. What was given then is to be thrown away.
Result<void> read_log_after(Connection& connection, const core::RowKeyView& row_keys,
                            const LogHead& head,
                            const std::function<Result<void>(const core::Event&)>& on_event);

// The head of the database behind `connection`, whose schema has this version, checked as at open.
// Errors: integrity_violated, store_unavailable.
Result<LogHead> check_head(Connection& connection, int64_t schema_version,
                           const core::RowKeyView& row_keys);
// The version from which on the head has an epoch.
constexpr int64_t kEpochSchema = 3;
// The version that a database has while another one is being copied into it.
constexpr int64_t kImportSchema = -1;
// Nothing when the database has no schema yet.
std::optional<int64_t> find_schema_version(Connection& connection);

}  // namespace latchkey::store
