#include "http/stream.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>

namespace latchkey::http {
namespace {

namespace asio = boost::asio;

// A peer that takes encrypted bytes as fast as we make them must leave others their turn.
constexpr size_t kBytesPerTurnMax = 256 * 1024;

}  // namespace

Stream::Stream(asio::io_context& io, Accepted& accepted) : socket_(io) {
  ErrorOfAsio failure;
  const int protocol = accepted.family == AF_UNIX ? 0 : IPPROTO_TCP;
  socket_.assign(asio::generic::stream_protocol(accepted.family, protocol),
                 accepted.socket.number(), failure);
  if (failure) return;  // the first read finds the socket closed
  accepted.socket.release();
  socket_.non_blocking(true, failure);
}

Stream::Stream(asio::io_context& io, int family) : socket_(io) {
  ErrorOfAsio failure;
  const int protocol = family == AF_UNIX ? 0 : IPPROTO_TCP;
  socket_.open(asio::generic::stream_protocol(family, protocol), failure);
  if (failure) return;  // the connect finds it closed
  socket_.non_blocking(true, failure);
  if (family != AF_UNIX) socket_.set_option(asio::ip::tcp::no_delay(true), failure);
}

Stream::~Stream() = default;

// An HTTP request begins with a capital letter (H2), a TLS record with its type, 22.
Stream::FirstByte Stream::look_at_first_byte() {
  char byte = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return FirstByte::none;
  if (count <= 0) return FirstByte::end;
  return byte >= 'A' && byte <= 'Z' ? FirstByte::of_http : FirstByte::other;
}

void Stream::begin_tls(const TlsPublication& publication) {
  tls_ = std::make_unique<TlsSession>(*publication.current(), socket_.native_handle());
}

size_t Stream::write_encrypted(Pieces pieces, ErrorOfAsio& failure) {
  failure = {};
  size_t written = 0;
  while (skip(pieces, 0) && written < kBytesPerTurnMax) {
    const asio::const_buffer& next = pieces[0].size() > 0 ? pieces[0] : pieces[1];
    const TlsSession::Step step = tls_->write({static_cast<const char*>(next.data()), next.size()});
    if (step.status != TlsSession::Status::done) {
      const bool must_wait = step.status == TlsSession::Status::wants_read ||
                             step.status == TlsSession::Status::wants_write;
      write_waits_for_ =
          step.status == TlsSession::Status::wants_read ? Socket::wait_read : Socket::wait_write;
      if (!must_wait) {
        failure = asio::error::broken_pipe;
      } else if (written == 0) {
        failure = asio::error::would_block;
      }
      return written;
    }
    skip(pieces, step.bytes);
    written += step.bytes;
  }
  write_waits_for_ = Socket::wait_write;
  return written;
}

bool Stream::skip(Pieces& pieces, size_t bytes) {
  const size_t of_first = std::min(bytes, pieces[0].size());
  pieces[0] += of_first;
  pieces[1] += bytes - of_first;
  return pieces[0].size() + pieces[1].size() > 0;
}

void Stream::end_sending() {
  if (tls_) {
    tls_->end();
    tls_.reset();
  }
  ErrorOfAsio ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void Stream::close() {
  if (tls_ && socket_.is_open()) tls_->end();
  tls_.reset();
  ErrorOfAsio ignored;
  socket_.close(ignored);
}

void Stream::abort() {
  ErrorOfAsio ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  tls_.reset();
  socket_.close(ignored);
}

}  // namespace latchkey::http
