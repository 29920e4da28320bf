#include "verify/remote_verifier.h"

#include <algorithm>

namespace latchkey::verify {
namespace {

constexpr Milliseconds kStalenessMin{100};
constexpr Milliseconds kStalenessMax = std::chrono::minutes(5);

}  // namespace

Result<std::unique_ptr<RemoteVerifier>> RemoteVerifier::connect(const RemoteOptions& options,
                                                                Clock& clock) {
  LK_TRY(auto feed, HttpFeed::connect(options.server, clock));
  VerifierOptions verifier;
  const bool is_given = options.staleness_max.count() > 0;
  verifier.staleness_max = std::clamp(is_given ? options.staleness_max : feed->staleness_max(),
                                      kStalenessMin, kStalenessMax);
  verifier.poll_wait = std::min(verifier.poll_wait, verifier.staleness_max / 4);
  return std::make_unique<RemoteVerifier>(std::move(feed), verifier, clock);
}

}  // namespace latchkey::verify
