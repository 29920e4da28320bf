#include "base/bytes.h"

#include <array>

namespace latchkey {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int8_t, 256> reverse_table(std::string_view alphabet) {
  std::array<int8_t, 256> table{};
  for (auto& value : table) value = -1;
  for (size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return table;
}

constexpr auto kHexValues = reverse_table(kHexDigits);
constexpr auto kStandardValues = reverse_table(kStandard);
constexpr auto kUrlValues = reverse_table(kUrl);

std::string encode(std::span<const uint8_t> bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += alphabet[group >> shift & 63];
  }
  if (const size_t rest = bytes.size() - i; rest != 0) {
    const uint32_t group = uint32_t{bytes[i]} << 16 | (rest == 2 ? uint32_t{bytes[i + 1]} << 8 : 0);
    text += alphabet[group >> 18 & 63];
    text += alphabet[group >> 12 & 63];
    if (rest == 2) text += alphabet[group >> 6 & 63];
  }
  return text;
}

// Decodes unpadded `text` into `out`, which is large enough. False if it is not canonical.
bool decode(std::string_view text, const std::array<int8_t, 256>& values, uint8_t* out) {
  const auto value_of = [&](char c) -> int { return values[static_cast<uint8_t>(c)]; };
  for (; text.size() >= 4; text.remove_prefix(4)) {
    const int a = value_of(text[0]), b = value_of(text[1]);
    const int c = value_of(text[2]), d = value_of(text[3]);
    if ((a | b | c | d) < 0) return false;
    const auto group = static_cast<uint32_t>(a << 18 | b << 12 | c << 6 | d);
    *out++ = static_cast<uint8_t>(group >> 16);
    *out++ = static_cast<uint8_t>(group >> 8);
    *out++ = static_cast<uint8_t>(group);
  }
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return false;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *out++ = static_cast<uint8_t>(group >> bits);
    }
  }
  // A last character may carry 2 or 4 unused bits; canonical text has them zero.
  return bits < 6 && (group & ((1u << bits) - 1)) == 0;
}

// `text` without its padding, or nothing if the padding is not that of canonical base64.
std::optional<std::string_view> strip_padding(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) return text.substr(0, text.size() - 2);
  if (text.ends_with('=')) return text.substr(0, text.size() - 1);
  return text;
}

}  // namespace

std::string format_hex(std::span<const uint8_t> bytes) {
  std::string text(bytes.size() * 2, '\0');
  char* out = text.data();
  for (const uint8_t byte : bytes) {
    *out++ = kHexDigits[byte >> 4];
    *out++ = kHexDigits[byte & 15];
  }
  return text;
}

std::optional<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int8_t high = kHexValues[static_cast<uint8_t>(text[2 * i])];
    const int8_t low = kHexValues[static_cast<uint8_t>(text[2 * i + 1])];
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bytes;
}

std::string format_base64(std::span<const uint8_t> bytes) {
  std::string text = encode(bytes, kStandard);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<Bytes> parse_base64(std::string_view text) {
  const auto body = strip_padding(text);
  if (!body) return std::nullopt;
  Bytes bytes(body->size() * 3 / 4);
  if (!decode(*body, kStandardValues, bytes.data())) return std::nullopt;
  return bytes;
}

std::optional<size_t> parse_base64(std::string_view text, std::span<char> out) {
  const auto body = strip_padding(text);
  if (!body) return std::nullopt;
  const size_t size_bytes = body->size() * 3 / 4;
  if (size_bytes > out.size()) return std::nullopt;
  if (!decode(*body, kStandardValues, reinterpret_cast<uint8_t*>(out.data()))) return std::nullopt;
  return size_bytes;
}

std::string format_base64url(std::span<const uint8_t> bytes) { return encode(bytes, kUrl); }

std::optional<Bytes> parse_base64url(std::string_view text) {
  Bytes bytes(text.size() * 3 / 4);
  if (!decode(text, kUrlValues, bytes.data())) return std::nullopt;
  return bytes;
}

}  // namespace latchkey
