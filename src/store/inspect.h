// What a database is, without changing it: its schema, its head, the keys that it needs.
//
// Works on schemas of earlier versions too, which opening the store would bring up to date.
// Thread safety: one thread a call. Spec: docs/spec/store.md, "Backup".
#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace latchkey::store {

struct DatabaseFacts {
  int64_t schema_version = 0;
  LogHead head;                          // its epoch is nil if the schema is of before epochs
  std::vector<std::string> digest_keys;  // ids under which live tokens are digested, in order
};
// Errors: integrity_violated (the head is not signed with this row key, or not the last event);
//         configuration (not a database of ours; the schema is newer than this program);
//         store_unavailable.
Result<DatabaseFacts> inspect_database(Driver& driver, const Hmac& row_key);

// The head of the database behind `connection`, whose schema has this version, checked as at open.
// Errors: integrity_violated, store_unavailable.
Result<LogHead> check_head(Connection& connection, int64_t schema_version, const Hmac& row_key);
// The version from which on the head has an epoch.
constexpr int64_t kEpochSchema = 3;
// Nothing when the database has no schema yet.
std::optional<int64_t> find_schema_version(Connection& connection);

}  // namespace latchkey::store
