// With what a server speaks TLS: one certificate, its key, our choice of versions and ciphers.
//
// A TlsContext is immutable. A TlsPublication holds the one that new connections take; publishing
// another leaves open connections as they are. TLS 1.2 and 1.3, ECDHE, AEAD ciphers, no
// compression, no renegotiation, ALPN http/1.1: docs/spec/http.md, H35 on. OpenSSL stays in the
// .cc file. Thread safety: both from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret.h"

struct ssl_ctx_st;

namespace latchkey::http {

enum class TlsVersion { tls_1_2, tls_1_3 };

struct TlsMaterial {
  std::string certificate_chain;  // PEM; the server's own certificate stands first
  SecretText private_key;         // PEM, not encrypted
  TlsVersion version_min = TlsVersion::tls_1_2;
};

struct CertificateFacts {
  Instant not_before;
  Instant not_after;
  std::string fingerprint;  // SHA-256, as "AB:CD:..."
};

class TlsContext {
  struct State;

 public:
  // Errors: configuration; `field` is "certificate" or "key", the message completes "the file ...".
  static Result<std::shared_ptr<const TlsContext>> make(const TlsMaterial& material);
  // Called by make() and renew() only: nobody else can name a State.
  explicit TlsContext(std::unique_ptr<State> state);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // The same with new keys for session tickets: who learns a ticket key can read what was resumed
  // under it in TLS 1.2, so none is used for long. Errors: internal (no memory).
  Result<std::shared_ptr<const TlsContext>> renew() const;

  const CertificateFacts& certificate() const;
  // Whether the certificate is for `host`, a name or an address without brackets. RFC 6125.
  bool covers(const std::string& host) const;

  // For tls_session.cc.
  ssl_ctx_st* native() const;

 private:
  std::unique_ptr<State> state_;
};

class TlsPublication {
 public:
  // The context for a new connection. REQUIRES: published before.
  std::shared_ptr<const TlsContext> current() const {
    MutexLock lock(mutex_);
    return current_;
  }
  void publish(std::shared_ptr<const TlsContext> context) {
    MutexLock lock(mutex_);
    current_.swap(context);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const TlsContext> current_ LK_GUARDED_BY(mutex_);
};

}  // namespace latchkey::http
