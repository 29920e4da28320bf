// What the tests of TLS share: certificates made on the spot, and a raw socket that speaks TLS.
//
// The client side is OpenSSL with everything allowed, so that what is refused was refused by the
// server. Thread safety: one thread a TlsSocket.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/time.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "http/server_test_util.h"
#include "http/tls.h"

namespace latchkey::http {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
  std::string der;
};

inline std::string take_text(BIO* bio) {
  char* data = nullptr;
  const long size_bytes = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size_bytes));
  BIO_free(bio);
  return text;
}

// A certificate for localhost and 127.0.0.1 that signs itself, good from a day ago until
// `not_after_s` seconds from now. Takes over `key`.
inline TestCertificate make_test_certificate(long not_after_s = 86'400,
                                             EVP_PKEY* key = EVP_EC_gen("P-256")) {
  X509* const own = X509_new();
  X509_set_version(own, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(own), 1);
  X509_gmtime_adj(X509_getm_notBefore(own), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(own), not_after_s);
  X509_set_pubkey(own, key);
  X509_NAME* const name = X509_get_subject_name(own);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(own, name);
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(own, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(own, key, EVP_sha256());

  TestCertificate made;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, own);
  made.certificate = take_text(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  made.key = take_text(bio);
  unsigned char* der = nullptr;
  const int der_bytes = i2d_X509(own, &der);
  made.der.assign(reinterpret_cast<char*>(der), static_cast<size_t>(der_bytes));
  OPENSSL_free(der);
  X509_free(own);
  EVP_PKEY_free(key);
  return made;
}

inline Result<std::shared_ptr<const TlsContext>> make_context(
    const TestCertificate& from, TlsVersion version_min = TlsVersion::tls_1_2) {
  return TlsContext::make({from.certificate, SecretText(from.key), version_min});
}

// One for all tests that do not care.
inline const TestCertificate& any_certificate() {
  static const TestCertificate made = make_test_certificate();
  return made;
}
inline const TlsPublication& any_publication() {
  static const auto made = [] {
    auto publication = std::make_unique<TlsPublication>();
    publication->publish(*make_context(any_certificate()));
    return publication;
  }();
  return *made;
}

struct TlsClientOptions {
  int version_min = 0;  // 0: any
  int version_max = 0;
  const char* ciphers = "ALL:@SECLEVEL=0";  // of TLS 1.2 and older
  std::string_view alpn;                    // with each length before its name
  SSL_SESSION* session = nullptr;           // to resume
};

class TlsSocket final : public RawSocket {
 public:
  explicit TlsSocket(uint16_t port, const TlsClientOptions& options = {}) : RawSocket(port) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, options.version_min);
    SSL_CTX_set_max_proto_version(context, options.version_max);
    LK_ASSERT(SSL_CTX_set_cipher_list(context, options.ciphers) == 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    session_ = SSL_new(context);
    SSL_CTX_free(context);
    if (!options.alpn.empty()) {
      SSL_set_alpn_protos(session_, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                          static_cast<unsigned>(options.alpn.size()));
    }
    if (options.session) SSL_set_session(session_, options.session);
    SSL_set_fd(session_, socket_);
    set_timeout(5'000);
    ERR_clear_error();
    is_secure_ = SSL_connect(session_) == 1;
  }
  ~TlsSocket() override { SSL_free(session_); }

  // Whether the handshake was done.
  bool is_secure() const { return is_secure_; }
  // Whether the server said that it ends, rather than only closing.
  bool ended_properly() const { return (SSL_get_shutdown(session_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  SSL* native() { return session_; }
  int descriptor() const { return socket_; }

 protected:
  ssize_t put(std::string_view bytes) override {
    ERR_clear_error();
    return SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
  }
  ssize_t take(char* bytes, size_t size_bytes, int timeout_ms) override {
    set_timeout(timeout_ms);
    ERR_clear_error();
    const int count = SSL_read(session_, bytes, static_cast<int>(size_bytes));
    if (count > 0) return count;
    return SSL_get_error(session_, count) == SSL_ERROR_WANT_READ ? -1 : 0;
  }

 private:
  void set_timeout(int timeout_ms) {
    const timeval time{timeout_ms / 1'000, (timeout_ms % 1'000) * 1'000};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  }

  SSL* session_ = nullptr;
  bool is_secure_ = false;
};

}  // namespace latchkey::http
