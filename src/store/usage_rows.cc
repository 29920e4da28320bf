#include "store/usage_rows.h"

namespace latchkey::store {

Result<void> add_token_day(WriteTx& tx, core::TokenId token, const TokenDay& day) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO token_days (token_id, day, allowed, refused) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (token_id, day) DO UPDATE SET allowed = token_days.allowed + excluded.allowed, "
      "refused = token_days.refused + excluded.refused",
      {token, int64_t{day.day}, day.allowed, day.refused}));
  return {};
}

Result<std::vector<TokenDay>> list_token_days(ReadTx& tx, core::TokenId token, int32_t first_day) {
  std::vector<TokenDay> days;
  LK_CHECK(tx.connection().run(
      "SELECT day, allowed, refused FROM token_days WHERE token_id = $1 AND day >= $2 ORDER BY day",
      {token, int64_t{first_day}}, [&](const Row& row) -> Result<void> {
        days.push_back({static_cast<int32_t>(row.integer(0)), static_cast<uint64_t>(row.integer(1)),
                        static_cast<uint64_t>(row.integer(2))});
        return {};
      }));
  return days;
}

Result<std::vector<TokenSum>> sum_token_days(ReadTx& tx, core::PersonId owner,
                                             core::OrganizationId organization, int32_t first_day,
                                             int limit) {
  std::vector<TokenSum> sums;
  // Two searches a token: a join would have to be grouped, which sorts all of its days.
  LK_CHECK(tx.connection().run(
      "SELECT token_id, COALESCE((SELECT CAST(SUM(allowed) AS BIGINT) FROM token_days d "
      "WHERE d.token_id = t.token_id AND d.day >= $3), 0), COALESCE((SELECT CAST(SUM(refused) AS "
      "BIGINT) "
      "FROM token_days d WHERE d.token_id = t.token_id AND d.day >= $3), 0) FROM tokens t "
      "WHERE owner_id = $1 AND organization_id = $2 ORDER BY valid_from DESC, token_id DESC "
      "LIMIT $4",
      {owner, organization, int64_t{first_day}, limit}, [&](const Row& row) -> Result<void> {
        sums.push_back({row.id<core::TokenId>(0), static_cast<uint64_t>(row.integer(1)),
                        static_cast<uint64_t>(row.integer(2))});
        return {};
      }));
  return sums;
}

Result<void> delete_token_days_before(WriteTx& tx, int32_t day, int limit) {
  LK_CHECK(tx.connection().run(
      "DELETE FROM token_days WHERE (token_id, day) IN (SELECT token_id, day FROM token_days "
      "WHERE day < $1 LIMIT $2)",
      {int64_t{day}, limit}));
  return {};
}

Result<bool> insert_usage_batch(WriteTx& tx, core::ClientId client, const Uuid& batch) {
  LK_TRY(const int64_t inserted,
         tx.connection().run("INSERT INTO usage_batches (client_id, batch_id, noted_at) "
                             "VALUES ($1, $2, $3) ON CONFLICT (client_id, batch_id) DO NOTHING",
                             {client, batch.bytes, tx.now()}));
  return inserted > 0;
}

Result<void> delete_usage_batches_before(WriteTx& tx, Instant instant, int limit) {
  LK_CHECK(tx.connection().run(
      "DELETE FROM usage_batches WHERE (client_id, batch_id) IN (SELECT client_id, batch_id "
      "FROM usage_batches WHERE noted_at < $1 LIMIT $2)",
      {instant, limit}));
  return {};
}

}  // namespace latchkey::store
