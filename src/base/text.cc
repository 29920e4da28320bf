#include "base/text.h"

#include <charconv>
#include <cstring>

#include "base/assert.h"

namespace latchkey {
namespace {

int hex_value(char c) {
  if (is_ascii_digit(c)) return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Reads one code point at `position` and moves past it. Negative if it is not well-formed.
// Unicode 15, table 3-7.
int32_t next_code_point(std::string_view text, size_t& position) {
  const auto byte = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  const uint32_t first = byte(position);
  if (first < 0x80) return ++position, static_cast<int32_t>(first);
  int more = 0;
  uint32_t code = 0, least = 0;
  if (first >= 0xc2 && first <= 0xdf)
    more = 1, code = first & 0x1f, least = 0x80;
  else if (first >= 0xe0 && first <= 0xef)
    more = 2, code = first & 0x0f, least = 0x800;
  else if (first >= 0xf0 && first <= 0xf4)
    more = 3, code = first & 0x07, least = 0x10000;
  else
    return -1;
  for (int i = 1; i <= more; ++i) {
    const uint32_t next = byte(position + static_cast<size_t>(i));
    if ((next & 0xc0) != 0x80) return -1;
    code = code << 6 | (next & 0x3f);
  }
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < least || code > 0x10ffff || is_surrogate) return -1;
  position += static_cast<size_t>(more) + 1;
  return static_cast<int32_t>(code);
}

constexpr uint64_t each_byte(uint8_t value) { return uint64_t{0x0101010101010101} * value; }

// Whether a byte of `word` has its highest bit, which ASCII has not.
bool has_other_than_ascii(uint64_t word) { return (word & each_byte(0x80)) != 0; }

// Whether all bytes of `word` are ASCII and none is below 0x20 or 0x7f. Bits do not carry from
// byte to byte, since each is below 0x80 where the first test passes.
bool is_printable_ascii(uint64_t word) {
  const uint64_t at_least_space = word + each_byte(0x80 - 0x20);
  const uint64_t delete_or_more = word + each_byte(0x80 - 0x7f);
  return !has_other_than_ascii(word) &&
         (at_least_space & ~delete_or_more & each_byte(0x80)) == each_byte(0x80);
}

// The bytes of the first words of `text`, of 8 bytes each, that `is_plain` takes.
template <typename IsPlain>
size_t plain_words(std::string_view text, IsPlain is_plain) {
  size_t position = 0;
  uint64_t word = 0;
  for (; text.size() - position >= sizeof word; position += sizeof word) {
    std::memcpy(&word, text.data() + position, sizeof word);
    if (!is_plain(word)) break;
  }
  return position;
}

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ascii_lower(c);
  return lower;
}

bool ascii_equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ascii_starts_with_ignoring_case(a, b);
}

bool ascii_starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (ascii_lower(text[i]) != ascii_lower(prefix[i])) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

bool is_utf8(std::string_view text) {
  const auto is_ascii = [](uint64_t word) { return !has_other_than_ascii(word); };
  for (size_t position = plain_words(text, is_ascii); position < text.size();) {
    if (next_code_point(text, position) < 0) return false;
  }
  return true;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xc0) != 0x80;
  return count;
}

size_t printable_ascii_words(std::string_view text) {
  return plain_words(text, is_printable_ascii);
}

bool has_control_character(std::string_view text) {
  for (size_t position = printable_ascii_words(text); position < text.size();) {
    const int32_t code = next_code_point(text, position);
    LK_ASSERT(code >= 0);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029) {
      return true;
    }
  }
  return false;
}

std::optional<uint64_t> parse_unsigned(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> percent_decode(std::string_view text, PlusSign plus_sign) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_sign == PlusSign::space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool unreserved =
        is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[static_cast<uint8_t>(c) >> 4];
      encoded += kDigits[static_cast<uint8_t>(c) & 15];
    }
  }
  return encoded;
}

}  // namespace latchkey
