// A verifier that is kept current by a server: all that a gate needs, from an address.
//
// connect() makes the parts, load() takes what there is, follow() keeps it so until it is told to
// stop. Nothing is let through before load() and nothing once the server was not heard for longer
// than the bound. Thread safety: connect(), load() and follow() from one thread, the rest from any.
// Spec: docs/spec/feed.md.
#pragma once

#include <memory>
#include <stop_token>

#include "verify/http_feed.h"
#include "verify/verifier.h"

namespace latchkey::verify {

struct RemoteOptions {
  ServerAddress server;
  Milliseconds staleness_max{0};  // 0: as the server goes by
};

class RemoteVerifier {
 public:
  // Errors: those of HttpFeed::connect(). `clock` outlives the verifier.
  static Result<std::unique_ptr<RemoteVerifier>> connect(const RemoteOptions& options,
                                                         Clock& clock);

  // Loads the snapshot. Errors: those of the feed. REQUIRES: called once, before follow(); after an
  // error it may be called again.
  Result<void> load() { return verifier_.load(*feed_); }
  // Follows until `stop` is requested; how it fails is Verifier::follow()'s.
  Result<void> follow(std::stop_token stop) { return verifier_.follow(*feed_, stop); }

  const Verifier& verifier() const { return verifier_; }
  const core::ScopeCatalog& catalog() const { return feed_->catalog(); }
  const core::ProviderSignature& provider() const { return feed_->provider(); }
  const core::DigestKeys& keys() const { return feed_->keys(); }
  const Uuid& deployment() const { return feed_->deployment(); }
  Milliseconds staleness_max() const { return staleness_max_; }
  // Why the server was not heard when it was last asked; empty when it was.
  std::string problem() const { return feed_->problem(); }

  // Called by connect() only.
  RemoteVerifier(std::unique_ptr<HttpFeed> feed, VerifierOptions options, Clock& clock)
      : feed_(std::move(feed)),
        staleness_max_(options.staleness_max),
        verifier_(feed_->keys(), feed_->provider(), clock, options) {}

 private:
  const std::unique_ptr<HttpFeed> feed_;
  const Milliseconds staleness_max_;
  Verifier verifier_;
};

}  // namespace latchkey::verify
