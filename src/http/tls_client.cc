#include "http/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "http/client_address.h"

namespace latchkey::http {
namespace {

constexpr int kSecurityLevel = 2;  // 112 bits, as for our own listeners
constexpr unsigned char kAlpnProtocol[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

}  // namespace

struct TlsClientContext::State {
  struct Free {
    void operator()(SSL_CTX* native) const { SSL_CTX_free(native); }
  };
  std::unique_ptr<SSL_CTX, Free> context;
};

TlsClientContext::TlsClientContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClientContext::~TlsClientContext() = default;

Result<std::unique_ptr<const TlsClientContext>> TlsClientContext::make(const std::string& ca_file) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = state->context.get();
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(context, kAlpnProtocol, sizeof kAlpnProtocol) != 0) {
    return Error(ErrorCode::internal, "OpenSSL offers no TLS as we need it");
  }
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                     : SSL_CTX_load_verify_file(context, ca_file.c_str());
  if (loaded != 1) {
    return Error(ErrorCode::configuration, "'" + ca_file + "' holds no roots in PEM form",
                 "ca_file");
  }
  return std::unique_ptr<const TlsClientContext>(
      std::make_unique<TlsClientContext>(std::move(state)));
}

ssl_st* TlsClientContext::new_session(const std::string& host) const {
  SSL* const session = SSL_new(state_->context.get());
  if (!session) return nullptr;
  X509_VERIFY_PARAM* const rules = SSL_get0_param(session);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool is_ready;
  if (parse_ip_address(host)) {
    is_ready = X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1;
  } else {
    is_ready = X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size()) == 1 &&
               SSL_set_tlsext_host_name(session, host.c_str()) == 1;
  }
  if (!is_ready) {
    SSL_free(session);
    return nullptr;
  }
  SSL_set_connect_state(session);
  return session;
}

}  // namespace latchkey::http
