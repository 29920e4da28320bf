// Bytes as text and back: hexadecimal and base64, strictly.
//
// A decoder takes exactly one text for each byte string; anything else (surplus padding, stray
// bits, white space, another alphabet) is refused, so that two texts never mean one thing. RFC 4648
// sections 4 and 8. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

using Bytes = std::vector<uint8_t>;

inline std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Lower-case hexadecimal, two digits a byte.
std::string format_hex(std::span<const uint8_t> bytes);
// The bytes of lower-case `text`, or nothing if it is not an even number of [0-9a-f].
std::optional<Bytes> parse_hex(std::string_view text);

// Base64 with the standard alphabet and padding.
std::string format_base64(std::span<const uint8_t> bytes);
// The bytes of canonical, padded `text`, or nothing.
std::optional<Bytes> parse_base64(std::string_view text);
// The same into a caller's buffer, for the path that must not allocate. Returns the number of bytes
// written, or nothing if `text` is not canonical or does not fit into `out`.
std::optional<size_t> parse_base64(std::string_view text, std::span<char> out);

// Base64 with the URL alphabet, without padding (RFC 4648 section 5).
std::string format_base64url(std::span<const uint8_t> bytes);
std::optional<Bytes> parse_base64url(std::string_view text);

}  // namespace latchkey
