// Text from outside: UTF-8, ASCII case, numbers and percent-encoding.
//
// Names are compared without case for ASCII letters only, as hosts and paths are; other letters
// stand for themselves. Thread safety: pure functions.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_ascii_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

std::string ascii_lower(std::string_view text);
bool ascii_equal_ignoring_case(std::string_view a, std::string_view b);
bool ascii_starts_with_ignoring_case(std::string_view text, std::string_view prefix);
// `text` without leading and trailing spaces and tabs.
std::string_view trim(std::string_view text);
// The parts of `text` between `separator`s; empty parts are kept.
std::vector<std::string_view> split(std::string_view text, char separator);
// Views of a temporary would dangle, so it does not compile.
template <std::same_as<std::string> Text>
std::vector<std::string_view> split(Text&& text, char separator) = delete;

// Whether `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);
// The number of code points of well-formed `text`. REQUIRES: is_utf8(text).
size_t count_code_points(std::string_view text);
// Whether well-formed `text` holds a control character (U+0000 to U+001F, U+007F to U+009F) or a
// line or paragraph separator (U+2028, U+2029). REQUIRES: is_utf8(text).
bool has_control_character(std::string_view text);

// How many bytes at the begin of `text` are printable ASCII (0x20 to 0x7e), counted in whole words
// of eight: fewer than eight more may be. For who reads the rest a character at a time.
size_t printable_ascii_words(std::string_view text);

// A decimal number without sign, spaces or surplus digits; nothing when it is not one or too large.
std::optional<uint64_t> parse_unsigned(std::string_view text);

// `text` with %XX decoded, and with '+' as a space if `plus_is_space` (queries, not paths). Nothing
// for a '%' without two hexadecimal digits. RFC 3986 section 2.1.
enum class PlusSign { literal, space };
std::optional<std::string> percent_decode(std::string_view text, PlusSign plus_sign);
// `text` with everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

}  // namespace latchkey
