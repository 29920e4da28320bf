#include "service/idempotency.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "store/token_rows.h"

namespace latchkey::service {
namespace {

constexpr int kBatch = 1'000;        // rows in one transaction
constexpr int kBatchesMax = 10'000;  // of one forget_keys()

Error secret_gone(core::TokenId id, std::string_view why) {
  return Error(ErrorCode::token_secret_gone,
               "This request was done before, and is not done again. It issued the token " +
                   core::format_id(id) + ", " + std::string(why),
               std::string(core::kIdempotencyKeyHeader), core::format_id(id));
}

// Why the secret that a change gave is of no use now; nothing when it is good.
std::optional<std::string_view> why_dead(const store::TokenRow& row, uint64_t generation,
                                         Instant now) {
  switch (core::token_status(row.token, now)) {
    case core::TokenStatus::active: break;
    case core::TokenStatus::expired: return "which has expired since.";
    case core::TokenStatus::revoked: return "which was revoked since.";
  }
  if (row.token.generation != generation) return "which was regenerated since.";
  return std::nullopt;
}

std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Error too_many_keys(Milliseconds wait) {
  const int64_t seconds = std::max<int64_t>(1, (wait.count() + 999) / 1'000);
  return Error(ErrorCode::too_many_attempts,
               "You have used too many Idempotency-Keys within 24 hours. Try again in " +
                   std::to_string(seconds) + " seconds.",
               std::string(core::kIdempotencyKeyHeader), std::to_string(seconds));
}

}  // namespace

// Under each digest key, for the current one may have changed since.
Result<std::optional<Idempotency::Found>> Idempotency::find_row(store::ReadTx& tx,
                                                                const KeyedChange& change) {
  for (const core::DigestKeyId id : dependencies_.digest_keys.ids()) {
    const auto key = dependencies_.digest_keys.digest_of(id, as_text(change.key));
    const auto request = dependencies_.digest_keys.digest_of(id, as_text(change.request));
    if (!key || !request) continue;  // it was retired a moment ago
    LK_TRY(const auto row, store::find_idempotency_row(tx, *key));
    if (row) return std::optional(Found{*row, row->request == *request});
  }
  return std::optional<Found>();
}

Result<std::optional<IssuedToken>> Idempotency::find(store::WriteTx& tx,
                                                     const KeyedChange& change) {
  LK_TRY(const auto found, find_row(tx, change));
  if (!found) return std::optional<IssuedToken>();
  const store::IdempotencyRow& row = found->row;
  if (!found->is_same) {
    return Error(ErrorCode::idempotency_key_reused, "", std::string(core::kIdempotencyKeyHeader));
  }
  LK_TRY(const auto token, store::find_token(tx, row.token));
  if (!token) return secret_gone(row.token, "which is not there any more.");
  if (const auto why = why_dead(*token, row.generation, tx.now())) {
    return secret_gone(row.token, *why);
  }
  auto issued = secrets_.find(row.key);
  if (!issued || issued->token.id != row.token || issued->token.digest != token->token.digest) {
    return secret_gone(row.token,
                       "whose text can no longer be shown: regenerate the token, or revoke it.");
  }
  return issued;
}

Result<void> Idempotency::remember(store::WriteTx& tx, const KeyedChange& change,
                                   const IssuedToken& issued) {
  LK_TRY(const auto nth, store::find_nth_newest_key(tx, change.person, limits_.keys_of_person_max));
  if (nth && *nth + kKeyLife > tx.now()) return too_many_keys(*nth + kKeyLife - tx.now());
  // Inside the transaction, so that the key is not retired meanwhile.
  const core::DigestKeyId id = dependencies_.digest_keys.current_id();
  const auto key = dependencies_.digest_keys.digest_of(id, as_text(change.key));
  const auto request = dependencies_.digest_keys.digest_of(id, as_text(change.request));
  LK_ASSERT(key && request);
  const store::IdempotencyRow row{.key = *key,
                                  .request = *request,
                                  .person = change.person,
                                  .token = issued.token.id,
                                  .generation = issued.token.generation,
                                  .created_at = tx.now()};
  LK_CHECK(store::insert_idempotency_row(tx, row));
  // Before the commit: who finds the row must find the secret. Should the commit fail, nobody will
  // ask for it, and the next try with this key takes its place.
  return secrets_.keep(row.key, issued);
}

Result<void> Idempotency::forget_keys() {
  const Instant oldest = dependencies_.clock.now() - kKeyLife;
  for (int batch = 0; batch < kBatchesMax; ++batch) {
    int64_t deleted = 0;
    LK_CHECK(dependencies_.store.write_aside([&](store::WriteTx& tx) -> Result<void> {
      LK_TRY(deleted, store::delete_keys_created_before(tx, oldest, kBatch));
      return {};
    }));
    if (deleted < kBatch) break;
  }
  return {};
}

}  // namespace latchkey::service
