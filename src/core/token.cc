#include "core/token.h"

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace latchkey::core {
namespace {

// Separates these bytes from all others that the row key signs; the number is the form's version.
constexpr std::string_view kDomain = "latchkey.token-row.v1";

// The canonical bytes of docs/spec/row-mac.md: every field with its length in front, so that no two
// rows have the same bytes.
class CanonicalBytes {
 public:
  void add(std::span<const uint8_t> field) {
    add_number_bytes(field.size(), 4);
    bytes_.insert(bytes_.end(), field.begin(), field.end());
  }
  void add(std::string_view field) { add(as_bytes(field)); }
  void add(uint64_t field) {
    add_number_bytes(8, 4);
    add_number_bytes(field, 8);
  }
  void add(Instant field) { add(static_cast<uint64_t>(field.ms)); }
  void add(const std::optional<Instant>& field) {
    if (field)
      add(*field);
    else
      add(std::string_view());
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  // The lowest `size_bytes` bytes of `number`, most significant first.
  void add_number_bytes(uint64_t number, size_t size_bytes) {
    for (size_t i = size_bytes; i-- > 0;) bytes_.push_back(static_cast<uint8_t>(number >> (8 * i)));
  }
  Bytes bytes_;
};

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
