#include "service/continuation.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace latchkey::service {
namespace {

// Separates these bytes from all others that the row key signs; the number is the form's version.
constexpr std::string_view kDomain = "latchkey.continuation.v1";
constexpr uint8_t kVersion = 1;
constexpr size_t kMacSize = 16;
constexpr size_t kIdSize = 16;
constexpr size_t kHeadSize = 1 + kMacSize + kIdSize;
// A sort key is at most a name of 256 characters of four bytes; this leaves room for its form.
constexpr size_t kTextMax = 8'192;

using Mac = std::array<uint8_t, kMacSize>;

// A field with its length in front, so that no two lists have the same bytes.
void add(Bytes& bytes, std::span<const uint8_t> field) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<uint8_t>(field.size() >> shift));
  }
  bytes.insert(bytes.end(), field.begin(), field.end());
}

Mac mac_of(const Hmac& row_key, const store::TokenQuery& query, const ListPosition& position) {
  const std::array<uint8_t, 3> order{static_cast<uint8_t>(query.filter),
                                     static_cast<uint8_t>(query.sort),
                                     static_cast<uint8_t>(query.direction)};
  Bytes bytes;
  add(bytes, as_bytes(kDomain));
  add(bytes, query.owner.uuid.bytes);
  add(bytes, query.organization.uuid.bytes);
  add(bytes, order);
  add(bytes, as_bytes(query.search));
  add(bytes, position.second.uuid.bytes);
  add(bytes, as_bytes(position.first));
  const Digest digest = row_key(bytes);
  Mac mac;
  std::copy_n(digest.begin(), mac.size(), mac.begin());
  return mac;
}

}  // namespace

std::string format_continuation(const core::RowKeyView& keys, const store::TokenQuery& query,
                                const ListPosition& position) {
  const Mac mac = mac_of(keys.current(), query, position);
  Bytes bytes{kVersion};
  bytes.insert(bytes.end(), mac.begin(), mac.end());
  bytes.insert(bytes.end(), position.second.uuid.bytes.begin(), position.second.uuid.bytes.end());
  const auto key = as_bytes(position.first);
  bytes.insert(bytes.end(), key.begin(), key.end());
  return format_base64url(bytes);
}

Result<ListPosition> parse_continuation(const core::RowKeyView& keys,
                                        const store::TokenQuery& query, std::string_view text) {
  const Error refused =
      invalid_field("continuationToken",
                    "must be that of the page before, with the same filter, order and search");
  if (text.size() > kTextMax) return refused;
  const auto bytes = parse_base64url(text);
  if (!bytes || bytes->size() < kHeadSize || bytes->front() != kVersion) return refused;
  ListPosition position;
  std::copy_n(bytes->begin() + 1 + kMacSize, kIdSize, position.second.uuid.bytes.begin());
  position.first.assign(bytes->begin() + kHeadSize, bytes->end());
  const bool is_ours = keys.verifies(std::span(*bytes).subspan(1, kMacSize),
                                     [&](const Hmac& key) { return mac_of(key, query, position); });
  if (!is_ours) return refused;
  return position;
}

}  // namespace latchkey::service
