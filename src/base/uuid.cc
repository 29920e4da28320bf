#include "base/uuid.h"

#include <cstring>

#include "base/bytes.h"
#include "base/text.h"

namespace latchkey {

Result<Uuid> make_uuid(Entropy& entropy) {
  Uuid uuid;
  LK_CHECK(entropy.fill(uuid.bytes));
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // version 4
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);  // variant 10
  return uuid;
}

std::string format_uuid(const Uuid& uuid) {
  const std::string digits = format_hex(uuid.bytes);
  std::string text(36, '-');
  size_t from = 0, to = 0;
  for (const size_t length : {8, 4, 4, 4, 12}) {
    digits.copy(text.data() + to, length, from);
    from += length;
    to += length + 1;
  }
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  digits.reserve(32);
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_dash_position = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash_position != (text[i] == '-')) return std::nullopt;
    if (!is_dash_position) digits += ascii_lower(text[i]);
  }
  const auto bytes = parse_hex(digits);
  if (!bytes) return std::nullopt;
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes->data(), uuid.bytes.size());
  return uuid;
}

}  // namespace latchkey

// Ids are random, but a table must not depend on that: mix both halves.
size_t std::hash<latchkey::Uuid>::operator()(const latchkey::Uuid& uuid) const noexcept {
  uint64_t high, low;
  std::memcpy(&high, uuid.bytes.data(), 8);
  std::memcpy(&low, uuid.bytes.data() + 8, 8);
  // Each step is a bijection of 64 bits, so ids that share a half never share a hash.
  uint64_t mixed = high * 0x9e3779b97f4a7c15ull;
  mixed = (mixed ^ (mixed >> 32)) + low;
  mixed *= 0xff51afd7ed558ccdull;
  return mixed ^ (mixed >> 33);
}
