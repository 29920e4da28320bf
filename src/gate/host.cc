#include "gate/host.h"

#include <algorithm>

#include "base/text.h"

namespace latchkey::gate {
namespace {

bool is_label_character(char c) {
  return is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '_';
}

// Labels of letters, digits, '-' and '_' with single dots between them.
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kHostBytesMax) return false;
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_label_character(c)) return false;
    before = c;
  }
  return before != '.';
}

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), is_ascii_digit);
}

// "[...]" of hexadecimal digits, colons and dots; what follows is left in `text`.
std::optional<std::string> take_address(std::string_view& text) {
  const size_t end = text.find(']');
  if (end == text.npos || end < 3 || end > 46) return std::nullopt;
  const std::string_view inner = text.substr(1, end - 1);
  if (inner.find_first_not_of("0123456789abcdefABCDEF:.") != inner.npos) return std::nullopt;
  std::string address = ascii_lower(text.substr(0, end + 1));
  text.remove_prefix(end + 1);
  return address;
}

Error wrong(const char* rule) { return Error(ErrorCode::configuration, rule); }

}  // namespace

std::optional<std::string> parse_host(std::string_view authority) {
  if (authority.starts_with('[')) {
    auto address = take_address(authority);
    const bool is_good =
        authority.empty() || (authority.front() == ':' && is_port(authority.substr(1)));
    return is_good ? address : std::nullopt;
  }
  if (const size_t colon = authority.find(':'); colon != authority.npos) {
    if (!is_port(authority.substr(colon + 1))) return std::nullopt;
    authority = authority.substr(0, colon);
  }
  if (authority.ends_with('.')) authority.remove_suffix(1);
  if (!is_name(authority)) return std::nullopt;
  return ascii_lower(authority);
}

Result<HostPattern> HostPattern::parse(std::string_view text) {
  HostPattern pattern;
  if (text.starts_with('*') || text.starts_with('{')) {
    pattern.is_exact_ = false;
    const size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label != "*") {
      if (!label.ends_with('}') || label.size() < 3) {
        return wrong("has a brace that is no name, as in {organization}.example.com");
      }
      pattern.name_ = label.substr(1, label.size() - 2);
      if (!std::all_of(pattern.name_.begin(), pattern.name_.end(), is_label_character)) {
        return wrong("has a name in braces of other than letters, digits, '-' and '_'");
      }
    }
    text = dot == text.npos ? std::string_view() : text.substr(dot + 1);
  }
  const auto host = parse_host(text);
  if (!host || (text.find(':') != text.npos && !text.ends_with(']'))) {
    return wrong("must be a name such as api.example.com, *.example.com or {name}.example.com");
  }
  pattern.rest_ = (pattern.is_exact_ ? "" : ".") + *host;
  return pattern;
}

std::optional<std::string_view> HostPattern::match(std::string_view host) const {
  if (is_exact_) return host == rest_ ? std::optional(std::string_view()) : std::nullopt;
  const size_t dot = host.find('.');
  if (dot == host.npos || dot == 0 || host.substr(dot) != rest_) return std::nullopt;
  return host.substr(0, dot);
}

}  // namespace latchkey::gate
