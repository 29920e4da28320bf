// Rows of the idempotency keys that made or regenerated a token in the last day.
//
// A row is written in the transaction of the change that it remembers, and holds digests only. It
// decides about nobody's rights, so it carries no MAC.
// Thread safety: as of the transaction. Spec: docs/spec/idempotency.md.
#pragma once

#include <optional>

#include "base/crypto.h"
#include "store/store.h"

namespace latchkey::store {

struct IdempotencyRow {
  Digest key{};      // of the key with its scope
  Digest request{};  // of what was asked
  core::PersonId person;
  core::TokenId token;
  uint64_t generation = 0;  // that the token had after the change
  Instant created_at;
};

// Nothing when there is no such key.
Result<std::optional<IdempotencyRow>> find_idempotency_row(ReadTx& tx, const Digest& key);
// Errors: already_exists.
Result<void> insert_idempotency_row(WriteTx& tx, const IdempotencyRow& row);
// When the `nth` newest key of `person` was used (1: the newest); nothing if there are fewer.
// Cost: reads `nth` entries of an index.
Result<std::optional<Instant>> find_nth_newest_key(ReadTx& tx, core::PersonId person, int nth);
// Deletes at most `limit` rows, the oldest first. Returns how many there were.
Result<int64_t> delete_keys_created_before(WriteTx& tx, Instant instant, int limit);

}  // namespace latchkey::store
