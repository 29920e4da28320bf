// Rows of how tokens were used: counts a day, and the batches that were counted.
//
// They are no state: no event tells of them, no MAC protects them, no rights depend on them. They
// are written aside and kept 90 days. Thread safety: as of the transaction.
// Spec: docs/spec/usage.md.
#pragma once

#include <vector>

#include "core/client.h"
#include "store/store.h"

namespace latchkey::store {

// Days since 1970-01-01, UTC.
struct TokenDay {
  int32_t day = 0;
  uint64_t allowed = 0;
  uint64_t refused = 0;
  friend bool operator==(const TokenDay&, const TokenDay&) = default;
};
// Adds the counts of `day` to what is there. REQUIRES: the token exists.
Result<void> add_token_day(WriteTx& tx, core::TokenId token, const TokenDay& day);
// By day, from `first_day` on.
Result<std::vector<TokenDay>> list_token_days(ReadTx& tx, core::TokenId token, int32_t first_day);
// What the days of a token add up to.
struct TokenSum {
  core::TokenId token;
  uint64_t allowed = 0;
  uint64_t refused = 0;
  friend bool operator==(const TokenSum&, const TokenSum&) = default;
};
// The sums from `first_day` on of the `limit` newest tokens of `owner` in `organization`, newest
// first, whatever their state; zeros for one without a use.
// Cost: proportional to those tokens and their days (two indexes).
Result<std::vector<TokenSum>> sum_token_days(ReadTx& tx, core::PersonId owner,
                                             core::OrganizationId organization, int32_t first_day,
                                             int limit);
// Of the days before `day`, at most `limit` rows.
Result<void> delete_token_days_before(WriteTx& tx, int32_t day, int limit);

// Notes that a batch of `client` was counted. Whether it is the first of its id.
Result<bool> insert_usage_batch(WriteTx& tx, core::ClientId client, const Uuid& batch);
// Of the batches that were noted before `instant`, at most `limit` rows.
Result<void> delete_usage_batches_before(WriteTx& tx, Instant instant, int limit);

}  // namespace latchkey::store
