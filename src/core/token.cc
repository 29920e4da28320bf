#include "core/token.h"

#include <cstdint>
#include <string_view>

#include "core/canonical_bytes.h"

namespace latchkey::core {
namespace {

// Separates these bytes from all others that the row key signs; the number is the form's version.
constexpr std::string_view kDomain = "latchkey.token-row.v1";

}  // namespace

Digest token_row_mac(const Hmac& row_key, const Token& token) {
  CanonicalBytes canonical;
  canonical.add(kDomain);
  canonical.add(token.id.uuid.bytes);
  canonical.add(token.organization.uuid.bytes);
  canonical.add(token.owner.uuid.bytes);
  canonical.add(std::string_view(token.display_name));
  canonical.add(std::string_view(token.scope));
  canonical.add(token.valid_from);
  canonical.add(token.valid_to);
  canonical.add(static_cast<uint64_t>(token.state));
  canonical.add(token.revoked_at);
  canonical.add(token.key_id.view());
  canonical.add(token.digest);
  canonical.add(token.generation);
  return row_key(canonical.bytes());
}

}  // namespace latchkey::core
