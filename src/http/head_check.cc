#include "http/head_check.h"

#include <array>
#include <cstring>

#include "base/text.h"

namespace latchkey::http {
namespace {

constexpr size_t kMethodBytesMax = 32;

enum CharacterClass : uint8_t { token = 1, value = 2, target = 4, host = 8 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < 256; ++c) {
    const bool letter_or_digit =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter_or_digit) classes[c] |= token | host;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') classes[c] |= value;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= target;
  }
  for (const char c :
       {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    classes[static_cast<size_t>(c)] |= token;
  }
  for (const char c : {'-', '.', '_', '~', '%', ':', '[', ']'}) {
    classes[static_cast<size_t>(c)] |= host;
  }
  return classes;
}

constexpr std::array<uint8_t, 256> kClasses = make_classes();

bool is(char c, CharacterClass wanted) { return kClasses[static_cast<uint8_t>(c)] & wanted; }

bool all(std::string_view text, CharacterClass wanted) {
  uint8_t common = wanted;
  for (const char c : text) common &= kClasses[static_cast<uint8_t>(c)];
  return common != 0;
}

bool is_value(std::string_view text) {
  text.remove_prefix(printable_ascii_words(text));
  return all(text, value);
}

bool is_method(std::string_view text) {
  if (text.empty() || text.size() > kMethodBytesMax) return false;
  if (!(text[0] >= 'A' && text[0] <= 'Z')) return false;
  for (const char c : text) {
    if (!((c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '-' || c == '_')) return false;
  }
  return true;
}

Refusal check_version(std::string_view version) {
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_ascii_digit(version[5]) && version[6] == '.' &&
                           is_ascii_digit(version[7]);
  if (!well_formed) return {400, "The request line must end with an HTTP version."};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return {505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
  }
  return {};
}

Refusal check_request_line(std::string_view line, const Limits& limits) {
  const size_t first = line.find(' ');
  if (first == std::string_view::npos || !is_method(line.substr(0, first))) {
    return {400, "The request line must begin with a method in capital letters."};
  }
  const std::string_view rest = line.substr(first + 1);
  const size_t second = rest.find(' ');
  if (second == std::string_view::npos) return {400, "The request line must have three parts."};
  const std::string_view request_target = rest.substr(0, second);
  if (request_target.size() > limits.target_bytes_max) return {414, "The target is too long."};
  if (const Refusal refusal = check_version(rest.substr(second + 1))) return refusal;
  if (!request_target.starts_with('/')) return {400, "The target must begin with '/'."};
  if (!all(request_target, target)) {
    return {400, "The target must be printable ASCII without a fragment."};
  }
  return {};
}

Refusal check_header_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return {400, "A header must be one line."};
  size_t colon = 0;
  while (colon < line.size() && is(line[colon], token)) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return {400, "A header must be a name, a colon and a value."};
  }
  if (!is_value(line.substr(colon + 1))) {
    return {400, "A header must hold no control character."};
  }
  return {};
}

}  // namespace

bool is_token(std::string_view text) { return !text.empty() && all(text, token); }
bool is_header_value(std::string_view text) { return is_value(text); }
bool is_host(std::string_view text) { return all(text, host); }

bool are_clean_lines(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\r') {
      if (i + 1 == bytes.size() || bytes[i + 1] != '\n') return false;
      ++i;
      if (i + 1 < bytes.size() && (bytes[i + 1] == ' ' || bytes[i + 1] == '\t')) return false;
    } else if (!is(c, value)) {
      return false;
    }
  }
  return true;
}

Refusal HeadCheck::advance(std::string_view bytes, const Limits& limits) {
  while (head_bytes_ == 0) {
    const void* found = bytes.size() > searched_
                            ? std::memchr(bytes.data() + searched_, '\n', bytes.size() - searched_)
                            : nullptr;
    if (!found) {
      searched_ = bytes.size();
      return check_incomplete(bytes, limits);
    }
    const auto line_feed = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
    if (line_feed + 1 > limits.head_bytes_max) return check_incomplete(bytes, limits);
    if (line_feed == position_ || bytes[line_feed - 1] != '\r') {
      return {400, "A line must end with CR and LF."};
    }
    const std::string_view line = bytes.substr(position_, line_feed - 1 - position_);
    position_ = searched_ = line_feed + 1;
    if (line.empty() && request_line_done_) {
      head_bytes_ = position_;
    } else if (const Refusal refusal = check_line(line, limits)) {
      return refusal;
    }
  }
  return {};
}

Refusal HeadCheck::check_line(std::string_view line, const Limits& limits) {
  if (!request_line_done_) {
    request_line_done_ = true;
    return check_request_line(line, limits);
  }
  if (++headers_ > limits.headers_max) return {431, "There are too many headers."};
  return check_header_line(line);
}

// What can be refused before a line has ended: what no further bytes can make good.
Refusal HeadCheck::check_incomplete(std::string_view bytes, const Limits& limits) const {
  if (!request_line_done_) {
    if (!bytes.empty() && !(bytes[0] >= 'A' && bytes[0] <= 'Z')) {
      return {400, "The request line must begin with a method in capital letters."};
    }
    if (bytes.size() > kMethodBytesMax + limits.target_bytes_max + sizeof " HTTP/1.1\r\n") {
      return {414, "The target is too long."};
    }
  }
  if (bytes.size() >= limits.head_bytes_max) return {431, "The head is too large."};
  return {};
}

}  // namespace latchkey::http
