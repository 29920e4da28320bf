#include "http/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/assert.h"
#include "http/tls.h"
#include "http/tls_client.h"

namespace latchkey::http {

void TlsSession::Free::operator()(ssl_st* session) const { SSL_free(session); }

TlsSession::TlsSession(const TlsContext& context, int socket)
    : session_(SSL_new(context.native())) {
  if (session_ && SSL_set_fd(session_.get(), socket) != 1) session_.reset();
  if (session_) SSL_set_accept_state(session_.get());
}

TlsSession::TlsSession(const TlsClientContext& context, int socket, const std::string& host)
    : session_(context.new_session(host)) {
  if (session_ && SSL_set_fd(session_.get(), socket) != 1) session_.reset();
}

TlsSession::~TlsSession() = default;

// What `result` of the last call means. OpenSSL tells through the thread's list of errors, which
// must be empty before each call.
TlsSession::Status TlsSession::status_of(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_NONE: return Status::done;
    case SSL_ERROR_WANT_READ: return Status::wants_read;
    case SSL_ERROR_WANT_WRITE: return Status::wants_write;
    case SSL_ERROR_ZERO_RETURN: return Status::ended;
  }
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  failure_reason_ = reason ? reason : "the connection was closed";
  is_established_ = false;
  return Status::failed;
}

TlsSession::Status TlsSession::handshake() {
  if (!session_) {
    failure_reason_ = "no memory";
    return Status::failed;
  }
  ERR_clear_error();
  const Status status = status_of(SSL_do_handshake(session_.get()));
  is_established_ = status == Status::done;
  return status;
}

TlsSession::Step TlsSession::read(std::span<char> space) {
  if (!is_established_) return {Status::failed};
  ERR_clear_error();
  size_t bytes = 0;
  const int result = SSL_read_ex(session_.get(), space.data(), space.size(), &bytes);
  if (result == 1) return {Status::done, bytes};
  return {status_of(result)};
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
  LK_ASSERT(!bytes.empty());
  if (!is_established_) return {Status::failed};
  ERR_clear_error();
  size_t written = 0;
  const int result = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written);
  if (result == 1) return {Status::done, written};
  return {status_of(result)};
}

bool TlsSession::has_buffered() const {
  return is_established_ && SSL_has_pending(session_.get()) == 1;
}

void TlsSession::end() {
  if (!is_established_) return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
}

}  // namespace latchkey::http
