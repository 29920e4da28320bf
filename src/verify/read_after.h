// Read-after-change: a check that must know of a revision waits for it, within a bound.
//
// A change answers with the position that it made (X-Latchkey-Revision). Whoever has it may ask any
// verifier to check no earlier state than that: so a client reads its own revocation anywhere.
// Thread safety: any thread that may block. Spec: docs/spec/oauth.md, OA12.
#pragma once

#include "core/ids.h"
#include "verify/verifier.h"

namespace latchkey::verify {

// How long a check waits for the revision that it asks for.
inline constexpr Milliseconds kReadAfterMax{1000};

enum class ReadAfter {
  ready,    // the index has the position
  waiting,  // it will, perhaps
  foreign   // the position is of another epoch: it never will
};
// Cost: no wait, so that who must not block asks this first.
ReadAfter look(const Verifier& verifier, const core::Position& position);

// Waits until the index has `position`, at most `wait_max`. Errors: timed_out (it has not);
// invalid_argument (`field` is "min_revision": of another epoch, from before a restore).
Result<void> wait_until(const Verifier& verifier, const core::Position& position,
                        Milliseconds wait_max = kReadAfterMax);

}  // namespace latchkey::verify
