// The text of a token: 84 characters that can be recognized anywhere and checked offline.
//
// There is exactly one text for a token and one way to read it: parse() accepts the canonical form
// or fails, and looks at the checksum before anybody hashes anything. The text holds 310 random
// bits, the month it was made in, the id of the digest key that its stored digest was made with,
// and a provider signature of four characters. Spec and vectors: docs/spec/token-format.md,
// spec/vectors/tokens.json. Thread safety: pure functions.
#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"

namespace latchkey::core {

inline constexpr size_t kTokenLength = 84;

// Four characters [A-Za-z0-9] that begin with a letter and say who issued a token.
class ProviderSignature {
 public:
  // Errors: configuration (not of that form, or another provider's: "AZDO").
  static Result<ProviderSignature> parse(std::string_view text);
  // "LKEY".
  static ProviderSignature standard();
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 4> text_{};
};

// Which digest key a token's digest was made with: two base62 characters in the token's text.
struct DigestKeyId {
  std::array<char, 2> text{'A', 'A'};
  std::string_view view() const { return {text.data(), text.size()}; }
  friend auto operator<=>(const DigestKeyId&, const DigestKeyId&) = default;
};
// Errors: configuration (not two characters [A-Za-z0-9]).
Result<DigestKeyId> parse_digest_key_id(std::string_view text);

// The parts of a token's text that are no secret.
struct TokenParts {
  DigestKeyId key_id;
  int year = 0;        // 2024 to 2085
  unsigned month = 0;  // 1 to 12
};

// A new token's text, made at `now`. Errors: internal (no entropy).
Result<SecretText> generate_token(const ProviderSignature& provider, DigestKeyId key_id,
                                  Instant now, Entropy& entropy);

// The parts of `text`. Errors: token_malformed, always the same, whatever is wrong.
// Cost: allocates nothing; no hash over the secret but the checksum's.
Result<TokenParts> parse_token(const ProviderSignature& provider, std::string_view text);

// The four checksum characters of the first 80 characters of a key of the common annotated form.
// REQUIRES: head.size() == 80, all [A-Za-z0-9].
std::array<char, 4> token_checksum(std::string_view head);

// What is stored in the place of a token, and what it is found by: HMAC-SHA-256 of its text.
inline Digest token_digest(const Hmac& digest_key, std::string_view text) {
  return digest_key(as_bytes(text));
}

}  // namespace latchkey::core
