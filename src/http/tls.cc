#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <vector>

namespace latchkey::http {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <class Native>
using Owned = std::unique_ptr<Native, Free>;

constexpr size_t kChainLengthMax = 10;
// 112 bits: no SHA-1 in signatures, no RSA below 2048.
constexpr int kSecurityLevel = 2;
constexpr const char* kCiphersOfTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphersOfTls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr uint64_t kOptions =
    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
    SSL_OP_PRIORITIZE_CHACHA |  // for clients that put it first, since they lack AES in hardware
    SSL_OP_CLEANSE_PLAINTEXT;   // heads hold credentials
constexpr unsigned char kAlpnProtocol[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

Error bad(const char* field, std::string rule) {
  return Error(ErrorCode::configuration, std::move(rule), field);
}

// OpenSSL's own words for what went wrong; they hold nothing of the input.
std::string last_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason ? reason : "unknown reason";
}

// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<BIO> reader_of(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<std::vector<Owned<X509>>> parse_chain(std::string_view text) {
  ERR_clear_error();
  const Owned<BIO> bio = reader_of(text);
  std::vector<Owned<X509>> chain;
  while (Owned<X509> next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
    if (chain.size() == kChainLengthMax) {
      return bad("certificate",
                 "holds more than 10 certificates; it is for the server's own and "
                 "those that lead to its root");
    }
    chain.push_back(std::move(next));
  }
  // The end of the text is told as a start that is missing.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return bad("certificate", "is damaged after " + std::to_string(chain.size()) +
                                  " certificates (" + last_reason() + ")");
  }
  if (chain.empty()) return bad("certificate", "holds no certificate in PEM form");
  return chain;
}

Result<Owned<EVP_PKEY>> parse_key(const SecretText& text) {
  const std::string_view pem = text.reveal(RevealSecret{});
  if (pem.find("ENCRYPTED") != pem.npos) {
    return bad("key",
               "is encrypted, and there is nobody to type its passphrase; decrypt it with "
               "`openssl pkey -in FILE -out NEW`");
  }
  const Owned<BIO> bio = reader_of(pem);
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return bad("key", "holds no private key in PEM form");
  return key;
}

Instant instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return {std::max<int64_t>(0, timegm(&parts)) * 1000};
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size_bytes = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size_bytes) != 1) return {};
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (unsigned i = 0; i < size_bytes; ++i) {
    if (i > 0) text += ':';
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

// RFC 7301: a client that names protocols and not ours is told so.
void answer_alpn(SSL_CTX* context) {
  SSL_CTX_set_alpn_select_cb(
      context,
      [](SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
         const unsigned char* offered, unsigned offered_bytes, void*) {
        unsigned char* match = nullptr;
        if (SSL_select_next_proto(&match, chosen_bytes, kAlpnProtocol, sizeof kAlpnProtocol,
                                  offered, offered_bytes) != OPENSSL_NPN_NEGOTIATED) {
          return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        *chosen = match;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
}

// A context without a certificate.
Result<Owned<SSL_CTX>> make_bare(TlsVersion version_min) {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  const int lowest = version_min == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (!context || SSL_CTX_set_min_proto_version(context.get(), lowest) != 1 ||
      SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kCiphersOfTls12) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), kCiphersOfTls13) != 1 ||
      SSL_CTX_set1_groups_list(context.get(), kGroups) != 1) {
    return Error(ErrorCode::internal, "OpenSSL offers no TLS as we need it: " + last_reason());
  }
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_set_options(context.get(), kOptions);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);  // of idle connections
  // A call reads on after a record that holds no data only while it has one more: else a peer that
  // sends nothing but key updates would keep the thread in one call.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context.get(), 1);
  // Sessions live in their tickets; nothing is kept here for a client.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  answer_alpn(context.get());
  return context;
}

}  // namespace

struct TlsContext::State {
  Owned<SSL_CTX> context;
  TlsVersion version_min = TlsVersion::tls_1_2;
  CertificateFacts facts;
};

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const TlsMaterial& material) {
  LK_TRY(const auto chain, parse_chain(material.certificate_chain));
  LK_TRY(const auto key, parse_key(material.private_key));
  X509* const own = chain.front().get();
  if (X509_check_private_key(own, key.get()) != 1) {
    return bad("key",
               "does not belong to the first certificate of the chain; the server's own "
               "certificate stands first");
  }
  auto state = std::make_unique<State>();
  state->version_min = material.version_min;
  LK_TRY(state->context, make_bare(material.version_min));
  SSL_CTX* const context = state->context.get();
  ERR_clear_error();
  bool taken = SSL_CTX_use_certificate(context, own) == 1;
  for (size_t i = 1; taken && i < chain.size(); ++i) {
    taken = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  }
  if (!taken) return bad("certificate", "is not one to use (" + last_reason() + ")");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return bad("key", "is not one to use (" + last_reason() + ")");
  }
  state->facts = {instant_of(X509_get0_notBefore(own)), instant_of(X509_get0_notAfter(own)),
                  fingerprint_of(own)};
  return std::shared_ptr<const TlsContext>(std::make_shared<TlsContext>(std::move(state)));
}

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::renew() const {
  auto state = std::make_unique<State>();
  state->version_min = state_->version_min;
  state->facts = state_->facts;
  LK_TRY(state->context, make_bare(state->version_min));
  SSL_CTX* const from = state_->context.get();
  SSL_CTX* const to = state->context.get();
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(from, &chain);
  if (SSL_CTX_use_certificate(to, SSL_CTX_get0_certificate(from)) != 1 ||
      (chain && SSL_CTX_set1_chain(to, chain) != 1) ||
      SSL_CTX_use_PrivateKey(to, SSL_CTX_get0_privatekey(from)) != 1) {
    return Error(ErrorCode::internal, "the TLS context cannot be made again: " + last_reason());
  }
  return std::shared_ptr<const TlsContext>(std::make_shared<TlsContext>(std::move(state)));
}

const CertificateFacts& TlsContext::certificate() const { return state_->facts; }

bool TlsContext::covers(const std::string& host) const {
  X509* const own = SSL_CTX_get0_certificate(state_->context.get());
  return X509_check_ip_asc(own, host.c_str(), 0) == 1 ||
         X509_check_host(own, host.data(), host.size(), 0, nullptr) == 1;
}

ssl_ctx_st* TlsContext::native() const { return state_->context.get(); }

}  // namespace latchkey::http
