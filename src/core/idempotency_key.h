// The key that a client gives a change, so that sending it again does not do it twice.
//
// One key has one value, whether the header has it in quotes (a String of RFC 8941) or bare. What
// is stored is a digest of the key together with who uses it where and for what, and one of what
// was asked; both are made of the canonical bytes given here.
// Thread safety: values and pure functions. Spec: docs/spec/idempotency.md; vectors:
// spec/vectors/idempotency.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "core/lifecycle.h"

namespace latchkey::core {

inline constexpr std::string_view kIdempotencyKeyHeader = "Idempotency-Key";
inline constexpr size_t kIdempotencyKeyMax = 255;  // characters

class IdempotencyKey {
 public:
  // Reads the value of the header. Errors: invalid_argument naming it and the rule.
  static Result<IdempotencyKey> parse(std::string_view value);
  // 1 to 255 visible ASCII characters.
  const std::string& text() const { return text_; }

 private:
  explicit IdempotencyKey(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// Stored in digests: a number never changes its meaning.
enum class IdempotentOperation { create_token = 1, regenerate_token = 2 };

// Whose key it is: the same text is another key for another person, organization or operation.
struct IdempotencyScope {
  PersonId person;
  OrganizationId organization;
  IdempotentOperation operation;
};
Bytes idempotency_key_bytes(const IdempotencyScope& scope, const IdempotencyKey& key);

// What was asked, as it was read: two bodies that say the same are one request.
Bytes idempotent_request_bytes(const CreateToken& request);
Bytes idempotent_request_bytes(TokenId id, const std::optional<Instant>& valid_to);

}  // namespace latchkey::core
