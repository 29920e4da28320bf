// With what we speak TLS to an upstream: which roots are believed.
//
// TLS 1.2 or newer, the upstream's certificate verified for the host of its URL (RFC 6125), SNI for
// names, ALPN http/1.1. OpenSSL stays in the .cc file. Thread safety: immutable, any thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace latchkey::http {

class TlsClientContext {
  struct State;

 public:
  // `ca_file`: PEM roots; empty takes the system's. Errors: configuration (`field` is "ca_file").
  static Result<std::unique_ptr<const TlsClientContext>> make(const std::string& ca_file);
  // Called by make() only: nobody else can name a State.
  explicit TlsClientContext(std::unique_ptr<State> state);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  // For tls_session.cc: a session that demands a certificate for `host`; null without memory.
  ssl_st* new_session(const std::string& host) const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::http
