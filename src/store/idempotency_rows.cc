#include "store/idempotency_rows.h"

namespace latchkey::store {

Result<std::optional<IdempotencyRow>> find_idempotency_row(ReadTx& tx, const Digest& key) {
  std::optional<IdempotencyRow> found;
  LK_CHECK(tx.connection().run(
      "SELECT key_digest, request_digest, person_id, token_id, generation, created_at "
      "FROM idempotency_keys WHERE key_digest = $1",
      {key}, [&](const Row& row) -> Result<void> {
        found = IdempotencyRow{row.bytes<32>(0),
                               row.bytes<32>(1),
                               row.id<core::PersonId>(2),
                               row.id<core::TokenId>(3),
                               static_cast<uint64_t>(row.integer(4)),
                               row.instant(5)};
        return {};
      }));
  return found;
}

Result<void> insert_idempotency_row(WriteTx& tx, const IdempotencyRow& row) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO idempotency_keys (key_digest, request_digest, person_id, token_id, generation, "
      "created_at) VALUES ($1, $2, $3, $4, $5, $6)",
      {row.key, row.request, row.person, row.token, row.generation, row.created_at}));
  return {};
}

Result<std::optional<Instant>> find_nth_newest_key(ReadTx& tx, core::PersonId person, int nth) {
  std::optional<Instant> found;
  LK_CHECK(
      tx.connection().run("SELECT created_at FROM idempotency_keys WHERE person_id = $1 "
                          "ORDER BY created_at DESC LIMIT 1 OFFSET $2",
                          {person, nth - 1}, [&](const Row& row) -> Result<void> {
                            found = row.instant(0);
                            return {};
                          }));
  return found;
}

Result<int64_t> delete_keys_created_before(WriteTx& tx, Instant instant, int limit) {
  return tx.connection().run(
      "DELETE FROM idempotency_keys WHERE key_digest IN (SELECT key_digest FROM idempotency_keys "
      "WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
      {instant, limit});
}

}  // namespace latchkey::store
