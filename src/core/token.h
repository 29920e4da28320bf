// A personal access token as it is kept: everything but its text.
//
// The row MAC binds together all that decides (id, owner, organization, scopes, dates, state, key
// and digest), so that a row changed in the database is found when it enters an index. Thread
// safety: values and pure functions. Spec: docs/spec/lifecycle-api.md, docs/spec/row-mac.md.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/crypto.h"
#include "core/ids.h"
#include "core/token_text.h"

namespace latchkey::core {

// Numbers are stored: do not change them. Expiry is no state: it is decided when it matters.
enum class TokenState { live = 1, revoked = 2 };

struct Token {
  TokenId id;
  OrganizationId organization;
  PersonId owner;
  std::string display_name;
  std::string scope;  // canonical text of the catalog
  Instant valid_from;
  Instant valid_to;
  TokenState state = TokenState::live;
  std::optional<Instant> revoked_at;
  DigestKeyId key_id;
  Digest digest{};          // of the text, under the digest key `key_id`
  uint64_t generation = 1;  // grows with each regeneration
};

// The MAC over all that decides of `token`.
Digest token_row_mac(const Hmac& row_key, const Token& token);

// When and from where a token was last used; kept beside the row, outside the event log.
struct LastUse {
  Instant at;
  std::string address;
  std::string user_agent;
};

}  // namespace latchkey::core
