// The request that a proxy asks about, as its headers tell it.
//
// Proxies ask in three forms: X-Original-* (nginx, HAProxy, ingress-nginx), X-Forwarded-* (Caddy,
// Traefik), and the original address behind the endpoint's (Envoy). Exactly one form must be whole;
// one that is missing, half or beside another is refused, so that a header which a client sent and
// a proxy passed on can never choose what is decided. What proxies and servers read in different
// ways is refused too, since the proxy sends the path on as it came. Thread safety: immutable after
// read(). Spec: docs/spec/forward-auth.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace latchkey::gate {

inline constexpr std::string_view kForwardAuthPath = "/_latchkey/forward-auth";

// Whether `path` is the endpoint, or the endpoint with an original address behind it.
bool is_forward_auth_path(std::string_view path);

class ForwardedRequest final : public http::Request {
 public:
  // `carrier` is the proxy's own request and outlives this object.
  // Errors: request_malformed (`field` is the header, or empty).
  static Result<ForwardedRequest> read(const http::Request& carrier);

  // The original's host, with or without port.
  std::string_view authority() const { return authority_; }

  std::string_view method() const override { return method_; }
  std::string_view path() const override { return path_; }
  std::string_view query() const override { return query_; }
  std::span<const http::Header> headers() const override { return headers_; }
  std::string_view body() const override { return {}; }
  std::string_view peer_address() const override { return carrier_->peer_address(); }
  std::string_view request_id() const override { return carrier_->request_id(); }

 private:
  explicit ForwardedRequest(const http::Request& carrier) : carrier_(&carrier) {}
  Result<void> read_original();
  Result<void> read_forwarded();
  Result<void> read_from_path();
  Result<void> take(std::string_view method, std::string_view uri);
  Result<std::string_view> one(std::string_view name) const;

  const http::Request* carrier_;
  std::string_view authority_;
  std::string_view method_;
  std::string_view path_;
  std::string_view query_;
  std::vector<http::Header> headers_;  // those of the client
};

}  // namespace latchkey::gate
