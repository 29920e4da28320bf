// The rules of a token's life, as functions of values.
//
// Each decide_ takes what was asked for and what is, and returns the token as it will be, or why
// not. No I/O, no clock, no randomness: the service loads, decides, and writes. Rules and their
// numbers: docs/spec/lifecycle-api.md; dates: spec/vectors/expiry.json. Thread safety: pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/scope_catalog.h"
#include "core/token.h"

namespace latchkey::core {

inline constexpr size_t kTokenNameMax = 256;  // characters

struct CreateToken {
  std::string display_name;
  std::string scope;
  std::optional<Instant> valid_to;  // absent: 30 days after now
  bool all_organizations = false;
};

struct UpdateToken {  // what is absent stays
  std::optional<std::string> display_name;
  std::optional<std::string> scope;
  std::optional<Instant> valid_to;
  bool all_organizations = false;
};

// Who a new token is for and what it gets besides what was asked: made by the service beforehand.
struct NewTokenFacts {
  TokenId id;
  OrganizationId organization;
  PersonId owner;
  DigestKeyId key_id;
  Digest digest{};
};

// The latest `valid_to` of a token that is made or changed at `now`: the end of the same UTC day
// one year later; 28 February for 29 February.
Instant latest_expiry(Instant now);
// `days` times 24 hours after `now`: what "30 days" means.
Instant expiry_after_days(Instant now, unsigned days);

// What a person sees of the state of `token` at `now`.
enum class TokenStatus { active, expired, revoked };
TokenStatus token_status(const Token& token, Instant now);

// Errors: pat_display_name_required, pat_invalid_display_name, pat_invalid_valid_to,
//         pat_invalid_scope, pat_global_blocked.
Result<Token> decide_create(const ScopeCatalog& catalog, const CreateToken& request,
                            const NewTokenFacts& facts, Instant now);
// Errors: as decide_create, and pat_failed_to_update (revoked), pat_expired_cannot_be_extended.
Result<Token> decide_update(const ScopeCatalog& catalog, const Token& token,
                            const UpdateToken& request, Instant now);
// Same record, scopes and creation; new digest and generation; the expiry stays unless given.
// Errors: pat_failed_to_update (revoked), pat_expired_cannot_be_extended, pat_invalid_valid_to.
struct NewSecret {
  DigestKeyId key_id;
  Digest digest{};
};
Result<Token> decide_regenerate(const Token& token, std::optional<Instant> valid_to,
                                const NewSecret& secret, Instant now);
// Revoking a revoked token changes nothing and is no error.
Token decide_revoke(const Token& token, Instant now);

}  // namespace latchkey::core
