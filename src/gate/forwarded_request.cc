#include "gate/forwarded_request.h"

#include <algorithm>

#include "base/text.h"
#include "gate/host.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kOriginalMethod = "X-Original-Method";
constexpr std::string_view kOriginalUri = "X-Original-URI";
constexpr std::string_view kOriginalUrl = "X-Original-URL";
constexpr std::string_view kOriginalHost = "X-Original-Host";
constexpr std::string_view kForwardedMethod = "X-Forwarded-Method";
constexpr std::string_view kForwardedUri = "X-Forwarded-Uri";
constexpr std::string_view kForwardedHost = "X-Forwarded-Host";

// Those that say which form is used, and are no headers of the client's.
constexpr std::string_view kOriginalForm[] = {kOriginalMethod, kOriginalUri, kOriginalUrl,
                                              kOriginalHost};
constexpr std::string_view kForwardedForm[] = {kForwardedMethod, kForwardedUri};

Error malformed(std::string_view field, const std::string& what) {
  return Error(ErrorCode::request_malformed, what, std::string(field));
}

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

template <size_t Size>
bool has_any(const http::Request& request, const std::string_view (&names)[Size]) {
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view name) { return request.count_headers(name) != 0; });
}

template <size_t Size>
bool is_among(std::string_view name, const std::string_view (&names)[Size]) {
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view other) {
    return ascii_equal_ignoring_case(name, other);
  });
}

// A proxy sends the path on as it came, so here nothing is left for its server to read otherwise.
Result<void> check_path(std::string_view path) {
  if (path.find("//") != path.npos) return malformed("", "The path has an empty segment.");
  if (path.find(';') != path.npos) {
    return malformed("", "The path has a semicolon, which some servers cut off; send it as %3B.");
  }
  return {};
}

}  // namespace

bool is_forward_auth_path(std::string_view path) {
  if (!path.starts_with(kForwardAuthPath)) return false;
  return path.size() == kForwardAuthPath.size() || path[kForwardAuthPath.size()] == '/';
}

Result<ForwardedRequest> ForwardedRequest::read(const http::Request& carrier) {
  ForwardedRequest request(carrier);
  const bool is_original = has_any(carrier, kOriginalForm);
  const bool is_forwarded = has_any(carrier, kForwardedForm);
  const bool is_behind = carrier.path().size() > kForwardAuthPath.size() + 1;
  if (is_original + is_forwarded + is_behind > 1) {
    return malformed("",
                     "The original request is told in two ways; see the ready files of the "
                     "proxy for the headers that it must clear.");
  }
  if (is_original) {
    LK_CHECK(request.read_original());
  } else if (is_forwarded) {
    LK_CHECK(request.read_forwarded());
  } else if (is_behind) {
    LK_CHECK(request.read_from_path());
  } else {
    return malformed("",
                     "The original request is not told: there is neither X-Original-URI nor "
                     "X-Forwarded-Uri, and no address behind this one.");
  }
  for (const http::Header& header : carrier.headers()) {
    if (!is_among(header.name, kOriginalForm) && !is_among(header.name, kForwardedForm)) {
      request.headers_.push_back(header);
    }
  }
  return request;
}

// The value of a header that must be there once.
Result<std::string_view> ForwardedRequest::one(std::string_view name) const {
  const auto value = carrier_->header(name);
  if (value && !value->empty()) return *value;
  return malformed(
      name, std::string(name) +
                (carrier_->count_headers(name) > 1 ? " is there more than once." : " is missing."));
}

Result<void> ForwardedRequest::read_original() {
  LK_TRY(const std::string_view method, one(kOriginalMethod));
  if (carrier_->count_headers(kOriginalUrl) == 0) {
    LK_TRY(authority_, one(kOriginalHost));
    LK_TRY(const std::string_view uri, one(kOriginalUri));
    return take(method, uri);
  }
  if (carrier_->count_headers(kOriginalUri) + carrier_->count_headers(kOriginalHost) != 0) {
    return malformed(kOriginalUrl, "X-Original-URL cannot stand beside X-Original-URI or -Host.");
  }
  LK_TRY(std::string_view url, one(kOriginalUrl));
  const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return malformed(kOriginalUrl, "X-Original-URL is no URL of http or https.");
  url.remove_prefix(scheme);
  const size_t slash = url.find('/');
  authority_ = url.substr(0, slash);
  return take(method, slash == url.npos ? std::string_view() : url.substr(slash));
}

Result<void> ForwardedRequest::read_forwarded() {
  LK_TRY(const std::string_view method, one(kForwardedMethod));
  LK_TRY(authority_, one(kForwardedHost));
  LK_TRY(const std::string_view uri, one(kForwardedUri));
  return take(method, uri);
}

// Envoy sends the original's method, host and headers, and its path behind ours.
Result<void> ForwardedRequest::read_from_path() {
  LK_TRY(authority_, one("Host"));
  if (!is_method(carrier_->method())) return malformed("", "The method is no method.");
  method_ = carrier_->method();
  path_ = carrier_->path().substr(kForwardAuthPath.size());
  query_ = carrier_->query();
  return check_path(path_);
}

Result<void> ForwardedRequest::take(std::string_view method, std::string_view uri) {
  if (!is_method(method)) return malformed("", "The original method is no method.");
  const bool is_printable =
      std::all_of(uri.begin(), uri.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!uri.starts_with('/') || !is_printable) {
    return malformed("", "The original address must be a path with its query, encoded.");
  }
  if (!parse_host(authority_)) return malformed("", "The original host is no host.");
  const size_t mark = uri.find('?');
  method_ = method;
  path_ = uri.substr(0, mark);
  query_ = mark == uri.npos ? std::string_view() : uri.substr(mark + 1);
  return check_path(path_);
}

}  // namespace latchkey::gate
