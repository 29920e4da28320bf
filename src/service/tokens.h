// The life of personal access tokens.
//
// Every function loads, lets core decide, writes the row and the event in one transaction. Only a
// signed-in person makes, changes or regenerates tokens, and only their own; a token never does
// (docs/spec/lifecycle-api.md). Only the answers of create and regenerate hold a token's text.
// Thread safety: any thread.
#pragma once

#include <optional>
#include <string>

#include "core/lifecycle.h"
#include "core/organization.h"
#include "core/person.h"
#include "service/actor.h"
#include "service/clients.h"
#include "service/dependencies.h"
#include "service/idempotency.h"
#include "service/throttle.h"
#include "store/token_rows.h"

namespace latchkey::service {

struct TokenListQuery {
  store::TokenFilter filter = store::TokenFilter::active;
  store::TokenSort sort = store::TokenSort::created;
  store::SortDirection direction = store::SortDirection::descending;
  std::string search;
  int top = 100;                   // 1 to 100
  std::string continuation_token;  // empty for the first page
};
struct TokenList {
  std::vector<store::TokenRow> rows;
  std::string continuation_token;  // empty on the last page
};

class Tokens {
 public:
  explicit Tokens(const Dependencies& dependencies, const Idempotency::Limits& limits = {})
      : dependencies_(dependencies),
        idempotency_(dependencies, limits),
        holders_(dependencies.clock, kHolderLimit) {}

  // Errors of all: organization_unknown, permission_denied, credential_kind_refused (no session),
  // store_unavailable; and those of core/lifecycle.h.
  // With a `key` (null: without) the same request gives the same token again, and no second one.
  // Errors: idempotency_key_reused, token_secret_gone, too_many_attempts (with a key).
  Result<Changed<IssuedToken>> create(const Actor& actor, core::OrganizationId organization,
                                      const core::CreateToken& request,
                                      const core::IdempotencyKey* key = nullptr);
  // Errors: pat_authorization_not_found (absent, or not the caller's here).
  Result<store::TokenRow> get(const Actor& actor, core::OrganizationId organization,
                              core::TokenId id);
  // Errors: invalid_argument (`$top`, `search`, a continuationToken of another list or filter).
  Result<TokenList> list(const Actor& actor, core::OrganizationId organization,
                         const TokenListQuery& query);
  Result<Changed<core::Token>> update(const Actor& actor, core::OrganizationId organization,
                                      core::TokenId id, const core::UpdateToken& request);
  // `key`: as of create.
  Result<Changed<IssuedToken>> regenerate(const Actor& actor, core::OrganizationId organization,
                                          core::TokenId id, std::optional<Instant> valid_to,
                                          const core::IdempotencyKey* key = nullptr);
  // Revoking twice is no error and appends no second event.
  Result<Changed<core::Token>> revoke(const Actor& actor, core::OrganizationId organization,
                                      core::TokenId id);
  // Revokes anybody's token in the organization; takes permission manage_members, checked here.
  Result<Changed<core::Token>> revoke_as_administrator(const Actor& actor,
                                                       core::OrganizationId organization,
                                                       core::TokenId id);
  // Revokes the token whose exact text `text` is, whatever became of it otherwise; for whoever has
  // it (RFC 7009). Nothing if it is no token's, or revoked before. The owner is told.
  // Errors: too_many_attempts (of one address).
  Result<std::optional<Changed<core::Token>>> revoke_by_holder(const SecretText& text,
                                                               const RequestOrigin& origin);
  // What a token may know of itself: its row and its owner. For an Actor by_token.
  struct Self {
    core::Token token;
    core::Person owner;
    core::Organization organization;
  };
  Result<Self> self(const Actor& actor);
  // The same for a client that asks about it.
  // Errors: pat_authorization_not_found (absent, or not the client's business).
  Result<Self> describe(const ProvenClient& client, core::TokenId id);

  // What keys did and the secrets that they gave, once their time is over: called now and then.
  Idempotency& idempotency() { return idempotency_; }

 private:
  static constexpr Throttle::Limit kHolderLimit{100, Milliseconds(100), 100'000};
  Result<Self> load_self(core::TokenId id, core::OrganizationId organization);

  const Dependencies dependencies_;
  Idempotency idempotency_;
  Throttle holders_;  // revocations by holders, by address
};

}  // namespace latchkey::service
