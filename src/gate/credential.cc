#include "gate/credential.h"

#include <optional>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/text.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kQueryToken = "access_token";

Error malformed(const char* rule) {
  return Error(ErrorCode::credential_malformed, rule, "Authorization");
}

int hex_value(char c) {
  if (is_ascii_digit(c)) return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Whether the percent-encoded `name` stands for "access_token". Case is ignored, because some
// servers ignore it, and what one reader would take for a credential must not pass as none.
bool is_token_parameter(std::string_view name) {
  size_t matched = 0;
  for (size_t i = 0; i < name.size(); ++i, ++matched) {
    char c = name[i];
    if (c == '%' && i + 2 < name.size()) {
      const int high = hex_value(name[i + 1]), low = hex_value(name[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(high << 4 | low);
        i += 2;
      }
    }
    if (matched == kQueryToken.size() || ascii_lower(c) != kQueryToken[matched]) return false;
  }
  return matched == kQueryToken.size();
}

// Whether a parameter of `query` carries a token (RFC 6750 section 2.3 allows it; we do not).
bool query_has_token(std::string_view query) {
  while (!query.empty()) {
    const size_t end = query.find_first_of("&;");
    const std::string_view parameter = query.substr(0, end);
    if (is_token_parameter(parameter.substr(0, parameter.find('=')))) return true;
    if (end == std::string_view::npos) return false;
    query.remove_prefix(end + 1);
  }
  return false;
}

// Whether `text` is a b64token of RFC 6750 section 2.1.
bool is_bearer_token(std::string_view text) {
  const size_t end = text.find_last_not_of('=');
  if (end == std::string_view::npos) return false;
  for (const char c : text.substr(0, end + 1)) {
    const bool allowed = is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '.' ||
                         c == '_' || c == '~' || c == '+' || c == '/';
    if (!allowed) return false;
  }
  return true;
}

}  // namespace

Credential::~Credential() { clear(); }

void Credential::clear() {
  wipe(buffer_.data(), used_bytes_);
  used_bytes_ = 0;
  kind_ = CredentialKind::none;
  secret_ = {};
}

Result<void> Credential::read(const http::Request& request) {
  clear();
  if (query_has_token(request.query())) {
    return Error(ErrorCode::credential_ambiguous,
                 "A token belongs into the Authorization header, never into the query.",
                 "access_token");
  }
  std::optional<std::string_view> value;
  for (const http::Header& header : request.headers()) {
    if (!ascii_equal_ignoring_case(header.name, "Authorization")) continue;
    if (value) {
      return Error(ErrorCode::credential_ambiguous, "A request carries one Authorization header.",
                   "Authorization");
    }
    value = header.value;
  }
  if (!value) return {};
  const std::string_view text = trim(*value);
  const size_t space = text.find(' ');
  const std::string_view scheme = text.substr(0, space);
  const bool is_basic = ascii_equal_ignoring_case(scheme, "Basic");
  if (!is_basic && !ascii_equal_ignoring_case(scheme, "Bearer")) {
    return malformed("The scheme must be Basic or Bearer.");
  }
  if (space == std::string_view::npos) return malformed("Nothing follows the scheme.");
  const std::string_view parameter = trim(text.substr(space));
  return is_basic ? read_basic(parameter) : read_bearer(parameter);
}

Result<void> Credential::read_basic(std::string_view encoded) {
  const auto size_bytes = parse_base64(encoded, std::span<char>(buffer_));
  // A failed decoder may have written a part, so all of the buffer counts as used.
  used_bytes_ = size_bytes ? *size_bytes : buffer_.size();
  if (!size_bytes) return malformed("Basic takes canonical base64 of at most 1024 bytes.");
  const std::string_view pair(buffer_.data(), *size_bytes);
  if (!is_utf8(pair) || has_control_character(pair)) {
    return malformed("User name and password must be UTF-8 without control characters.");
  }
  const size_t colon = pair.find(':');
  if (colon == std::string_view::npos) return malformed("Basic takes user:password.");
  const std::string_view password = pair.substr(colon + 1);
  const std::string_view secret = password.empty() ? pair.substr(0, colon) : password;
  if (secret.empty()) return malformed("The password is empty.");
  secret_ = secret;
  kind_ = CredentialKind::basic;
  return {};
}

Result<void> Credential::read_bearer(std::string_view text) {
  if (text.size() > kBytesMax) return malformed("A Bearer token has at most 1024 bytes.");
  if (!is_bearer_token(text)) return malformed("Bearer takes one token of RFC 6750's characters.");
  secret_ = text;
  kind_ = CredentialKind::bearer;
  return {};
}

}  // namespace latchkey::gate
