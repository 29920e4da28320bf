// A continuation text is read only by the list that it was made for, and none can be made up.
// The input is two bytes of choices, then a sort key, a search text and a made-up text, a line
// each.
#include "service/continuation.h"

#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  std::string_view rest = fuzz::as_text(data, size);
  const uint8_t choice = fuzz::take_byte(rest);
  const uint8_t place = fuzz::take_byte(rest);
  const std::string sort_key(fuzz::take_line(rest).substr(0, 1024));
  static const core::RowKeys keys({{{1}, Hmac(SecretKey({1, 2, 3}))}});
  static const core::RowKeys other_keys({{{1}, Hmac(SecretKey({3, 2, 1}))}});
  const core::RowKeyView key(keys);
  const core::RowKeyView other_key(other_keys);

  store::TokenQuery query;
  query.owner.uuid.bytes[0] = choice;
  query.filter = static_cast<store::TokenFilter>(choice % 4);
  query.sort = static_cast<store::TokenSort>(choice / 4 % 5);
  query.search = fuzz::take_line(rest);
  service::ListPosition position{sort_key, {}};
  position.second.uuid.bytes[15] = place;

  LK_ASSERT(!service::parse_continuation(key, query, rest));
  const std::string text = service::format_continuation(key, query, position);
  const auto read = service::parse_continuation(key, query, text);
  LK_ASSERT(read && *read == position);

  // One way to be wrong for each input: each costs a MAC.
  std::string changed = text;
  store::TokenQuery other = query;
  const uint8_t byte = place / 16 % 16;
  switch (place % 10) {
    case 0: LK_ASSERT(!service::parse_continuation(other_key, query, text)); return 0;
    case 1: changed[choice % changed.size()] ^= 1; break;
    case 2: changed.pop_back(); break;
    case 3: changed += rest.empty() ? 'A' : rest[0]; break;
    case 4: other.owner.uuid.bytes[byte] ^= 1; break;
    case 5: other.organization.uuid.bytes[byte] ^= 1; break;
    case 6: other.direction = store::SortDirection::ascending; break;
    case 7: other.search += 'x'; break;
    case 8: other.filter = static_cast<store::TokenFilter>((choice + 1) % 4); break;
    case 9: other.sort = static_cast<store::TokenSort>((choice / 4 + 1) % 5); break;
  }
  LK_ASSERT(!service::parse_continuation(key, other, changed));
  return 0;
}
