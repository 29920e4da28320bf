// Answers "may this token do this?" from memory.
//
// A Verifier indexes every live token by the digest of its text and keeps the index current by
// following a Feed. Expiry is decided at check time, so a token dies on time even if the feed
// stalls. An index whose age is above `staleness_max` refuses every check: it never lets through
// what it cannot know. A Grant can be made by check() only; holding one is the proof. Thread
// safety: check() and the finders from any thread, never waiting for I/O or for a writer; one
// thread calls load() and follow(). Spec: docs/spec/verification.md.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/digest_keys.h"
#include "core/ids.h"
#include "core/scope.h"
#include "verify/feed.h"
#include "verify/index_image.h"
#include "verify/requirement.h"

namespace latchkey::verify {

// Now, on both clocks; the caller reads them once a request.
struct Moment {
  Instant now;
  Ticks ticks;
};

// The proof that a token was checked: whose it is and what it may do now.
class Grant {
 public:
  core::TokenId token() const { return token_; }
  core::OrganizationId organization() const { return organization_; }
  core::PersonId owner() const { return owner_; }
  // What the token's scopes allow under its owner's role.
  const core::ScopeSet& scopes() const { return scopes_; }
  Instant valid_to() const { return valid_to_; }

 private:
  friend class Verifier;
  Grant() = default;
  core::TokenId token_;
  core::OrganizationId organization_;
  core::PersonId owner_;
  core::ScopeSet scopes_;
  Instant valid_to_;
};

struct VerifierOptions {
  Milliseconds staleness_max{1000};
  Milliseconds poll_wait{250};  // how long one follow() of the feed may wait
};

struct VerifierStatus {
  core::Revision revision;
  core::Epoch epoch;    // that the revision counts in
  Milliseconds age{0};  // since the poll that confirmed the index was sent
  uint64_t tokens = 0;
  uint64_t memberships = 0;
  uint64_t memory_bytes = 0;
  bool loaded = false;
};

class Verifier {
 public:
  // `keys`, `provider` and `clock` outlive the verifier.
  Verifier(const core::DigestKeys& keys, const core::ProviderSignature& provider, Clock& clock,
           VerifierOptions options);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // Checks `token_text` against `required` in `organization` (nothing: in whichever it is for).
  // Errors: index_stale, token_malformed, token_unknown, token_revoked, token_expired,
  //         token_owner_disabled, token_wrong_organization, scope_missing; in this order, so that
  //         only who presents the exact secret of a known token learns more than "unknown".
  //         They have no texts: what would do instead is the caller's to say.
  // Cost: one HMAC and one probe; allocates nothing.
  Result<Grant> check(std::string_view token_text, std::optional<core::OrganizationId> organization,
                      const ScopeRequirement& required, Moment moment) const;

  // The id of the token of this text, whatever its state; nothing for one that is not known, or
  // while nothing is loaded. For counting refusals: it says nothing about what the token may do.
  std::optional<core::TokenId> find_token(std::string_view token_text) const;

  // The active organization that requests call `name_key`.
  std::optional<core::OrganizationId> find_organization(std::string_view name_key) const;

  // Loads the feed's snapshot into an empty index.
  // Errors: those of the feed. REQUIRES: called once, before follow().
  Result<void> load(Feed& feed);
  // The same from an image that was taken at `position`: what changed since is to be followed, and
  // until that confirmed the index every check is refused. After an error the verifier is as
  // before. Errors: those of restore_image. REQUIRES: in the place of load().
  Result<void> load_image(const core::Position& position, const ImageTotals& totals,
                          const ImageSource& source);
  // Takes an image of the index, from any thread, while it is followed. `position` is set to what
  // it holds at least. Errors: those of `sink`; conflict (the index was loaded anew meanwhile, or
  // is not loaded yet).
  Result<ImageTotals> take_image(core::Position& position, const ImageSink& sink) const;
  // What organizations are called in the index. REQUIRES: loaded.
  std::vector<OrganizationItem> organization_names() const;
  // Applies changes until `stop` is requested; a feed error is retried with a bounded back-off
  // while the index grows stale.
  // Errors, when it cannot go on: integrity_violated; overloaded (more scope sets, memberships or
  //         organizations than the index has numbers for).
  Result<void> follow(Feed& feed, std::stop_token stop);
  // Applies one round, or loads anew after feed_truncated; what follow() repeats. For tests and
  // simulations.
  Result<void> follow_once(Feed& feed, Milliseconds wait);

  // Waits until the index has `revision`, at most `timeout`; whether it has.
  bool wait_for(core::Revision revision, Milliseconds timeout) const;
  VerifierStatus status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::verify
