// Bytes, ids, numbers and characters as text: one text for each value, and nothing else is read.
#include <string>

#include "base/bytes.h"
#include "base/text.h"
#include "base/uuid.h"
#include "target.h"

namespace latchkey {
namespace {

// The code points of `text` by the table of RFC 3629 section 4, or -1 if it is not UTF-8.
int count_plainly(std::string_view text) {
  int count = 0;
  const auto byte = [&](size_t i) -> int {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : -1;
  };
  const auto is_between = [&](size_t i, int low, int high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const auto is_tail = [&](size_t i) { return is_between(i, 0x80, 0xbf); };
  for (size_t i = 0; i < text.size(); ++count) {
    const int first = byte(i);
    if (first < 0x80) {
      i += 1;
    } else if (first >= 0xc2 && first <= 0xdf && is_tail(i + 1)) {
      i += 2;
    } else if ((first & 0xf0) == 0xe0 &&
               is_between(i + 1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) &&
               is_tail(i + 2)) {
      i += 3;
    } else if (first >= 0xf0 && first <= 0xf4 &&
               is_between(i + 1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) &&
               is_tail(i + 2) && is_tail(i + 3)) {
      i += 4;
    } else {
      return -1;
    }
  }
  return count;
}

}  // namespace
}  // namespace latchkey

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string_view text = fuzz::as_text(data, size);

  const int code_points = count_plainly(text);
  LK_ASSERT(is_utf8(text) == (code_points >= 0));
  if (code_points >= 0) {
    LK_ASSERT(count_code_points(text) == static_cast<size_t>(code_points));
    size_t middle = text.size() / 2;
    while (middle < text.size() && (text[middle] & 0xc0) == 0x80) ++middle;
    LK_ASSERT(has_control_character(text) == (has_control_character(text.substr(0, middle)) ||
                                              has_control_character(text.substr(middle))));
  }

  const auto uuid = parse_uuid(text);
  if (uuid) LK_ASSERT(format_uuid(*uuid) == ascii_lower(text));
  const auto number = parse_unsigned(text);
  if (number) LK_ASSERT(std::to_string(*number) == text);

  const auto hex = parse_hex(text);
  if (hex) LK_ASSERT(format_hex(*hex) == text);
  const auto base64 = parse_base64(text);
  if (base64) LK_ASSERT(format_base64(*base64) == text);
  const auto base64url = parse_base64url(text);
  if (base64url) LK_ASSERT(format_base64url(*base64url) == text);
  char buffer[64];
  const auto used = parse_base64(text, buffer);
  LK_ASSERT(used.has_value() == (base64 && base64->size() <= sizeof buffer));
  if (used)
    LK_ASSERT(std::string_view(buffer, *used) == std::string(base64->begin(), base64->end()));

  const auto bytes = as_bytes(text);
  const Bytes same(bytes.begin(), bytes.end());
  LK_ASSERT(parse_hex(format_hex(bytes)) == same);
  LK_ASSERT(parse_base64(format_base64(bytes)) == same);
  LK_ASSERT(parse_base64url(format_base64url(bytes)) == same);
  return 0;
}
