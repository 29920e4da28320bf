// A continuation text is read only by the list that it was made for, and none can be made up.
// The input is a sort key, a search text and a made-up text, a line each.
#include "service/continuation.h"

#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  std::string_view rest = fuzz::as_text(data, size);
  const uint8_t choice = fuzz::take_byte(rest);
  const uint8_t place = fuzz::take_byte(rest);
  const std::string sort_key(fuzz::take_line(rest).substr(0, 1024));
  static const Hmac key{SecretKey({1, 2, 3})};
  static const Hmac other_key{SecretKey({3, 2, 1})};

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
  LK_ASSERT(!service::parse_continuation(other_key, query, text));

  std::string changed = text;
  char& c = changed[place % changed.size()];
  c = c == 'A' ? 'B' : 'A';
  LK_ASSERT(!service::parse_continuation(key, query, changed));
  LK_ASSERT(!service::parse_continuation(key, query, text + std::string(rest.substr(0, 1)) + "A"));

  for (int field = 0; field < 4; ++field) {
    store::TokenQuery other = query;
    if (field == 0) other.owner.uuid.bytes[place % 16] ^= 1;
    if (field == 1) other.organization.uuid.bytes[place % 16] ^= 1;
    if (field == 2) other.direction = store::SortDirection::ascending;
    if (field == 3) other.search += "x";
    LK_ASSERT(!service::parse_continuation(key, other, text));
  }
  return 0;
}
