// The form bodies of introspection and revocation: RFC 7662 section 2.1, RFC 7009 section 2.1.
//
// A form has one value for each name; a name that stands twice is refused, whatever it is, and one
// that nobody knows is ignored, as both RFCs have it. The token's text is not looked at here. Both
// forms are read by one parser: what one of them does not have is ignored there. Thread safety:
// values and pure functions. Spec: docs/spec/oauth.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "core/ids.h"

namespace latchkey::gate {

inline constexpr size_t kTokenFormBytesMax = 8 * 1024;

struct TokenForm {
  SecretText token;
  // Ours, of introspection only. The scopes must all be allowed for "active".
  std::string required_scope;  // identifiers, a space between; empty: none
  std::string organization;    // by name; empty: any that is the client's business
  std::optional<core::Position> min_revision;
};

// Errors: request_malformed (no form, broken encoding, more than 64 fields, too long);
//         invalid_argument (`field` names what is missing, too long, repeated or broken).
Result<TokenForm> parse_token_form(std::string_view content_type, std::string_view body);

// "<epoch>.<revision>", as X-Latchkey-Revision gives it.
std::optional<core::Position> parse_position(std::string_view text);

}  // namespace latchkey::gate
