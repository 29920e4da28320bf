// How tokens were used, as gates and this server itself count it.
//
// Counts a day and the last use go to side tables: they are no state, and no event tells of them.
// A gate's batch is counted once, for tokens that exist and organizations that the gate is for.
// Thread safety: any thread. Spec: docs/spec/usage.md.
#pragma once

#include <string>
#include <vector>

#include "core/token.h"
#include "service/clients.h"
#include "service/throttle.h"
#include "store/usage_rows.h"

namespace latchkey::service {

// The uses of one token in a batch.
struct CountedUse {
  core::TokenId token;
  std::vector<store::TokenDay> days;
  std::optional<core::LastUse> last_use;
};

class Usage {
 public:
  static constexpr int32_t kDaysKept = 90;
  static constexpr int kListedMax = 2'000;  // tokens of a person in one answer
  static constexpr Milliseconds kBatchMemory = std::chrono::hours(48);

  explicit Usage(const Dependencies& dependencies);

  // Adds what this server counted itself. Errors: store_unavailable (nothing was added).
  Result<void> add(const std::vector<CountedUse>& uses);

  struct Taken {
    uint64_t tokens = 0;   // whose uses were counted
    uint64_t ignored = 0;  // that do not exist, or are not the client's business
    bool is_repeated = false;
  };
  // Counts a batch of `client`, unless it was counted before. Errors: too_many_attempts (more than
  // a few batches a second), store_unavailable.
  Result<Taken> take(const ProvenClient& client, const Uuid& batch,
                     const std::vector<CountedUse>& uses);

  // The days of a token of `organization`, the last `days` of them, by day; days without a use are
  // left out. For its owner, and for who manages members there. Errors: credential_kind_refused,
  // organization_unknown, permission_denied, pat_authorization_not_found.
  Result<std::vector<store::TokenDay>> days(const Actor& actor, core::OrganizationId organization,
                                            core::TokenId token, int32_t days);

  struct OwnSums {
    std::vector<store::TokenSum> tokens;  // newest first, those without a use too
    bool is_complete = false;             // whether there are no more than these
  };
  // What the last `days` days add up to for each of the `count_max` newest tokens of `actor` in
  // `organization`. Errors: credential_kind_refused, organization_unknown, permission_denied.
  Result<OwnSums> own_sums(const Actor& actor, core::OrganizationId organization, int32_t days,
                           int count_max = kListedMax);

  // The first of the last `days` days, today included.
  int32_t first_day(int32_t days) const;

  // Deletes what is over, a bounded number of rows. Errors: store_unavailable.
  Result<void> clear_up();

 private:
  Dependencies dependencies_;
  Throttle batches_;
};

}  // namespace latchkey::service
