#include "gate/proxy_head.h"

#include <array>
#include <vector>

#include "base/text.h"
#include "http/client_address.h"
#include "http/head_check.h"
#include "http/upstream.h"

namespace latchkey::gate {
namespace {

using Names = std::vector<std::string_view>;

constexpr std::string_view kOwnCookiePrefix = "__Host-latchkey";

char folded(char c) { return c == '_' ? '-' : ascii_lower(c); }

bool starts_with_name(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (folded(name[i]) != folded(prefix[i])) return false;
  }
  return true;
}

bool is_name(std::string_view name, std::string_view wanted) {
  return name.size() == wanted.size() && starts_with_name(name, wanted);
}

template <size_t n>
bool is_any(std::string_view name, const std::array<std::string_view, n>& wanted) {
  for (const std::string_view one : wanted) {
    if (is_name(name, one)) return true;
  }
  return false;
}

// RFC 9110 section 7.6.1, and what the mechanism writes itself.
constexpr std::array<std::string_view, 10> kOfOneHop = {
    "connection", "keep-alive",     "te",     "trailer",        "transfer-encoding",
    "upgrade",    "content-length", "expect", "http2-settings", "host"};
constexpr std::array<std::string_view, 13> kNeverBelieved = {
    "authorization",       "x-http-method-override",
    "x-method-override",   "x-http-method",
    "x-rewrite-url",       "x-real-ip",
    "forwarded",           "x-client-ip",
    "x-cluster-client-ip", "true-client-ip",
    "cf-connecting-ip",    "remote-user",
    "x-remote-user"};

// What Connection headers name, which is of one hop too.
Names named_by_connection(const http::Request& request) {
  Names names;
  for (const http::Header& header : request.headers()) {
    if (!is_name(header.name, "connection")) continue;
    for (const std::string_view part : split(header.value, ',')) {
      const std::string_view name = trim(part);
      if (!name.empty() && !ascii_equal_ignoring_case(name, "keep-alive")) names.push_back(name);
    }
  }
  return names;
}

bool is_one_of(std::string_view name, const Names& names) {
  for (const std::string_view one : names) {
    if (is_name(name, one)) return true;
  }
  return false;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

// A node of Forwarded: RFC 7239 section 6.
std::string forwarded_node(std::string_view address) {
  if (address == "unix") return "unknown";
  return address.find(':') == address.npos ? std::string(address)
                                           : "\"[" + std::string(address) + "]\"";
}

bool is_set_by(const ProxyForward& forward, std::string_view name) {
  for (const auto& [own, value] : forward.headers) {
    if (is_name(name, own)) return true;
  }
  return false;
}

// What the client's address and the way that it came are to the upstream. Of a trusted proxy the
// scheme, host and port go on as it said.
void append_forwarding(std::string& head, const http::Request& request) {
  std::string_view host;
  bool has_proto = false;
  bool has_host = false;
  for (const http::Header& header : request.headers()) {
    if (is_name(header.name, "host")) host = header.value;
    has_proto |= request.is_from_proxy() && is_name(header.name, "x-forwarded-proto");
    has_host |= request.is_from_proxy() && is_name(header.name, "x-forwarded-host");
  }
  const std::string_view proto = request.is_encrypted() ? "https" : "http";
  std::string chain(request.forwarded_for());
  if (!chain.empty()) chain += ", ";
  chain += request.socket_address();
  append_header(head, "X-Forwarded-For", chain);
  append_header(head, "X-Real-IP", request.peer_address());
  if (!has_proto) append_header(head, "X-Forwarded-Proto", proto);
  if (!has_host && !host.empty()) append_header(head, "X-Forwarded-Host", host);
  head.append("Forwarded: for=").append(forwarded_node(request.peer_address()));
  if (!has_proto) head.append(";proto=").append(proto);
  if (!has_host && !host.empty()) head.append(";host=\"").append(host).append("\"");
  head.append("\r\n");
}

bool is_sendable(const ProxyForward& forward) {
  if (!forward.target.starts_with('/')) return false;
  for (const char c : forward.target) {
    if (c <= ' ' || c > '~' || c == '#') return false;
  }
  for (const auto& [name, value] : forward.headers) {
    if (!http::is_token(name) || !http::is_header_value(value) || is_any(name, kOfOneHop)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_dropped_header(std::string_view name, bool from_proxy) {
  if (name.empty()) return true;
  switch (folded(name[0])) {
    case 'x':
      if (starts_with_name(name, "x-latchkey-") || starts_with_name(name, "x-original-") ||
          starts_with_name(name, "x-auth-request-")) {
        return true;
      }
      if (is_name(name, "x-forwarded-for")) return true;  // written anew, with what a proxy said
      if (starts_with_name(name, "x-forwarded-") && !from_proxy) return true;
      break;
    case 'p':
      if (starts_with_name(name, "proxy-")) return true;
      break;
    case 'l':
      if (starts_with_name(name, "latchkey-")) return true;
      break;
  }
  return is_any(name, kOfOneHop) || is_any(name, kNeverBelieved);
}

std::string without_own_cookies(std::string_view value) {
  std::string kept;
  for (const std::string_view pair : split(value, ';')) {
    const std::string_view trimmed = trim(pair);
    if (trimmed.empty() || trimmed.starts_with(kOwnCookiePrefix)) continue;
    if (!kept.empty()) kept += "; ";
    kept += trimmed;
  }
  return kept;
}

bool asks_for_websocket(const http::Request& request) {
  if (request.method() != "GET") return false;
  const auto upgrade = request.header("Upgrade");
  if (!upgrade || !ascii_equal_ignoring_case(*upgrade, "websocket")) return false;
  return is_one_of("upgrade", named_by_connection(request));
}

std::optional<std::string> make_upstream_head(const http::Request& request,
                                              const ProxyForward& forward) {
  if (!is_sendable(forward)) return std::nullopt;
  std::string head;
  head.reserve(1024);
  head.append(request.method()).append(" ").append(forward.target).append(" HTTP/1.1\r\n");
  const auto host = request.header("Host");
  const bool keeps_host = forward.host == HostHeader::of_client && host && !host->empty();
  append_header(head, "Host", keeps_host ? *host : std::string_view(forward.upstream->authority()));
  const Names of_hop = named_by_connection(request);
  for (const auto& [name, value] : request.headers()) {
    if (is_dropped_header(name, request.is_from_proxy()) || is_one_of(name, of_hop) ||
        is_set_by(forward, name)) {
      continue;
    }
    if (is_name(name, "cookie")) {
      const std::string kept = without_own_cookies(value);
      if (!kept.empty()) append_header(head, name, kept);
      continue;
    }
    append_header(head, name, value);
  }
  append_forwarding(head, request);
  for (const auto& [name, value] : forward.headers) append_header(head, name, value);
  return head;
}

}  // namespace latchkey::gate
