#include "service/usage.h"

#include "service/access.h"
#include "store/token_rows.h"

namespace latchkey::service {
namespace {

constexpr size_t kTokensAtOnce = 2'000;
constexpr int kRowsMax = 10'000;
// A gate sends a batch every few seconds, and more after it was cut off.
constexpr Throttle::Limit kBatches{20, Milliseconds(500), 10'000};

int32_t day_of(Instant at) {
  return static_cast<int32_t>(std::chrono::floor<std::chrono::days>(Milliseconds(at.ms)).count());
}

// Whether the token is there and `is_business` says that its organization is meant.
template <class IsBusiness>
Result<bool> write_use(store::WriteTx& tx, const CountedUse& use, const IsBusiness& is_business) {
  LK_TRY(const auto row, store::find_token(tx, use.token));
  if (!row || !is_business(row->token.organization)) return false;
  for (const store::TokenDay& day : use.days) LK_CHECK(store::add_token_day(tx, use.token, day));
  if (use.last_use) LK_CHECK(store::upsert_last_uses(tx, {{use.token, *use.last_use}}));
  return true;
}

}  // namespace

Usage::Usage(const Dependencies& dependencies)
    : dependencies_(dependencies), batches_(dependencies.clock, kBatches) {}

Result<void> Usage::add(const std::vector<CountedUse>& uses) {
  LK_ASSERT(uses.size() <= kTokensAtOnce);
  return dependencies_.store.write_aside([&](store::WriteTx& tx) -> Result<void> {
    for (const CountedUse& use : uses) {
      LK_CHECK(write_use(tx, use, [](core::OrganizationId) { return true; }));
    }
    return {};
  });
}

Result<Usage::Taken> Usage::take(const ProvenClient& client, const Uuid& batch,
                                 const std::vector<CountedUse>& uses) {
  LK_CHECK(batches_.take(core::format_id(client.id())));
  Taken taken;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    taken = {};
    LK_TRY(const bool is_first, store::insert_usage_batch(tx, client.id(), batch));
    taken.is_repeated = !is_first;
    if (taken.is_repeated) return {};
    const auto is_business = [&](core::OrganizationId id) { return client.is_for(id); };
    for (const CountedUse& use : uses) {
      LK_TRY(const bool is_counted, write_use(tx, use, is_business));
      ++(is_counted ? taken.tokens : taken.ignored);
    }
    return {};
  };
  LK_CHECK(dependencies_.store.write_aside(body));
  return taken;
}

Result<std::vector<store::TokenDay>> Usage::days(const Actor& actor,
                                                 core::OrganizationId organization,
                                                 core::TokenId token, int32_t days) {
  if (actor.mechanism() == Mechanism::token) return Error(ErrorCode::credential_kind_refused);
  const int32_t first = first_day(days);
  std::vector<store::TokenDay> found;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::make_tokens));
    LK_TRY(const auto row, store::find_token(tx, token));
    const bool is_here = row && row->token.organization == organization;
    const bool is_own = is_here && row->token.owner == actor.person();
    // Somebody else's looks like one that does not exist, but to who may revoke it.
    LK_TRY(const auto role, find_role(tx, actor, organization));
    const bool manages = role && core::role_allows(*role, core::Permission::manage_members);
    if (!is_own && !(is_here && manages)) {
      return Error(ErrorCode::pat_authorization_not_found, "There is no such token of yours here.",
                   "authorizationId");
    }
    LK_TRY(found, store::list_token_days(tx, token, first));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return found;
}

Result<Usage::OwnSums> Usage::own_sums(const Actor& actor, core::OrganizationId organization,
                                       int32_t days, int count_max) {
  if (actor.mechanism() != Mechanism::session) return Error(ErrorCode::credential_kind_refused);
  OwnSums sums;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::make_tokens));
    LK_TRY(sums.tokens, store::sum_token_days(tx, *actor.person(), organization, first_day(days),
                                              count_max + 1));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  const auto count = static_cast<size_t>(count_max);
  sums.is_complete = sums.tokens.size() <= count;
  if (!sums.is_complete) sums.tokens.resize(count);
  return sums;
}

int32_t Usage::first_day(int32_t days) const {
  return day_of(dependencies_.clock.now()) - days + 1;
}

Result<void> Usage::clear_up() {
  const Instant now = dependencies_.clock.now();
  return dependencies_.store.write_aside([&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(store::delete_token_days_before(tx, day_of(now) - kDaysKept + 1, kRowsMax));
    return store::delete_usage_batches_before(tx, now - kBatchMemory, kRowsMax);
  });
}

}  // namespace latchkey::service
