#include "core/idempotency_key.h"

#include "base/error.h"
#include "core/canonical_bytes.h"

namespace latchkey::core {
namespace {

// Separate these bytes from all others that the same key digests; the number is the form's version.
constexpr std::string_view kKeyDomain = "latchkey.idempotency-key.v1";
constexpr std::string_view kRequestDomain = "latchkey.idempotent-request.v1";

Error refused(std::string_view rule) { return invalid_field(kIdempotencyKeyHeader, rule); }

bool is_visible(char c) { return c > ' ' && c <= '~'; }

// The characters between the quotes of `value`: an sf-string of RFC 8941 section 3.3.3, without
// spaces and without parameters after it.
Result<std::string> parse_quoted(std::string_view value) {
  std::string text;
  size_t at = 1;
  for (; at < value.size() && value[at] != '"'; ++at) {
    if (value[at] == '\\') {
      ++at;
      if (at == value.size() || (value[at] != '"' && value[at] != '\\')) {
        return refused("may have a backslash only before a quote or another backslash");
      }
    }
    if (!is_visible(value[at])) return refused("must be of visible ASCII characters");
    text += value[at];
  }
  if (at == value.size()) return refused("must end with the quote that it begins with");
  if (at + 1 != value.size()) return refused("must have nothing after its closing quote");
  return text;
}

// What several headers that became one, or parameters, would have between them is not taken bare.
Result<std::string> parse_bare(std::string_view value) {
  for (const char c : value) {
    if (!is_visible(c)) return refused("must be of visible ASCII characters");
    if (c == '"' || c == '\\' || c == ',' || c == ';') {
      return refused("must stand in quotes if it has a quote, backslash, comma or semicolon");
    }
  }
  return std::string(value);
}

}  // namespace

Result<IdempotencyKey> IdempotencyKey::parse(std::string_view value) {
  LK_TRY(std::string text, value.starts_with('"') ? parse_quoted(value) : parse_bare(value));
  if (text.empty()) return refused("must not be empty");
  if (text.size() > kIdempotencyKeyMax) return refused("must be at most 255 characters long");
  return IdempotencyKey(std::move(text));
}

Bytes idempotency_key_bytes(const IdempotencyScope& scope, const IdempotencyKey& key) {
  CanonicalBytes bytes;
  bytes.add(kKeyDomain);
  bytes.add(scope.person);
  bytes.add(scope.organization);
  bytes.add(static_cast<uint64_t>(scope.operation));
  bytes.add(std::string_view(key.text()));
  return bytes.bytes();
}

Bytes idempotent_request_bytes(const CreateToken& request) {
  CanonicalBytes bytes;
  bytes.add(kRequestDomain);
  bytes.add(std::string_view(request.display_name));
  bytes.add(std::string_view(request.scope));
  bytes.add(request.valid_to);
  bytes.add(uint64_t{request.all_organizations});
  return bytes.bytes();
}

Bytes idempotent_request_bytes(TokenId id, const std::optional<Instant>& valid_to) {
  CanonicalBytes bytes;
  bytes.add(kRequestDomain);
  bytes.add(id);
  bytes.add(valid_to);
  return bytes.bytes();
}

}  // namespace latchkey::core
