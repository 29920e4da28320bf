#include "verify/read_after.h"

namespace latchkey::verify {

ReadAfter look(const Verifier& verifier, const core::Position& position) {
  const VerifierStatus status = verifier.status();
  if (!status.loaded) return ReadAfter::waiting;
  if (status.epoch != position.epoch) return ReadAfter::foreign;
  return status.revision >= position.revision ? ReadAfter::ready : ReadAfter::waiting;
}

Result<void> wait_until(const Verifier& verifier, const core::Position& position,
                        Milliseconds wait_max) {
  ReadAfter now = look(verifier, position);
  if (now == ReadAfter::waiting && verifier.wait_for(position.revision, wait_max)) {
    now = look(verifier, position);  // a load may have begun another epoch meanwhile
  }
  switch (now) {
    case ReadAfter::ready: return {};
    case ReadAfter::waiting:
      return Error(ErrorCode::timed_out, "The revision that was asked for is not here yet.");
    case ReadAfter::foreign:
      return invalid_field(
          "min_revision", "is of another epoch: of another installation, or from before a restore");
  }
  return Error(ErrorCode::internal);
}

}  // namespace latchkey::verify
