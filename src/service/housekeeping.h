// What is deleted in time: what nobody can use or read any more.
//
// Sessions that are over, links that have been over for a day, the outcome of old operations, old
// mails. None of it is state, so no event tells of it; each call deletes a bounded number of rows.
// Thread safety: any thread. Spec: docs/spec/store.md, S31.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace latchkey::service {

inline constexpr Milliseconds kOperationLife = std::chrono::days(7);
inline constexpr Milliseconds kExpiredLinkLife = std::chrono::days(1);
inline constexpr Milliseconds kMailLife = std::chrono::days(90);

// Deletes what is over at `now`. Errors: store_unavailable, overloaded.
Result<void> clear_up(store::Store& store, Instant now);

}  // namespace latchkey::service
