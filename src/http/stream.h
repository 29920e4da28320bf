// The bytes of one connection, accepted or made by us, plain or within TLS.
//
// Every connection begins plain; async_handshake() makes it TLS. The plain way is Asio's own, with
// one look at a pointer before it. Completions are called from the io_context, never from within
// the call that began them, and with an error once close() was called. The owner keeps the Stream
// alive through what its handlers hold. Includes Asio: only for this folder. Thread safety: one
// thread.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <span>
#include <utility>

#include "http/listener.h"
#include "http/tls.h"
#include "http/tls_session.h"
#include "http/upstream.h"

namespace latchkey::http {

class Stream {
 public:
  using ErrorOfAsio = boost::system::error_code;
  using Pieces = std::array<boost::asio::const_buffer, 2>;

  // How a handshake ended. `peer_left`: closed without a byte. `plain`: the first byte is the one
  // of an HTTP method, nothing was read, and the stream goes on without TLS.
  enum class Handshake { done, failed, peer_left, plain };

  Stream(boost::asio::io_context& io, Accepted& accepted);
  // One that is not connected yet, of `family`.
  Stream(boost::asio::io_context& io, int family);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool is_encrypted() const { return tls_ != nullptr; }
  int descriptor() { return socket_.native_handle(); }
  const char* handshake_failure() const { return handshake_failure_; }

  // Waits for the peer's first byte and takes `publication`'s context then. handler(Handshake).
  template <class Handler>
  void async_handshake(const TlsPublication& publication, Handler handler) {
    socket_.async_wait(Socket::wait_read, [this, &publication, handler = std::move(handler)](
                                              const ErrorOfAsio& failure) mutable {
      if (failure || !socket_.is_open()) return handler(Handshake::failed);
      switch (look_at_first_byte()) {
        case FirstByte::none: return async_handshake(publication, std::move(handler));
        case FirstByte::end: return handler(Handshake::peer_left);
        case FirstByte::of_http: return handler(Handshake::plain);
        case FirstByte::other: break;
      }
      begin_tls(publication);
      step_handshake(std::move(handler));
    });
  }

  // Connects a stream made for it. handler(error).
  template <class Handler>
  void async_connect(const SocketName& to, Handler handler) {
    boost::asio::generic::stream_protocol::endpoint endpoint(to.bytes.data(), to.bytes.size());
    socket_.async_connect(endpoint, std::move(handler));
  }

  // Begins TLS as the client, with a server that must be `host`. handler(Handshake).
  template <class Handler>
  void async_client_handshake(const TlsClientContext& context, const std::string& host,
                              Handler handler) {
    tls_ = std::make_unique<TlsSession>(context, socket_.native_handle(), host);
    step_handshake(std::move(handler));
  }

  // Reads into `space`, which stays until handler(error, bytes).
  template <class Handler>
  void async_read_some(std::span<char> space, Handler handler) {
    if (!tls_) {
      socket_.async_read_some(boost::asio::buffer(space.data(), space.size()), std::move(handler));
    } else if (tls_->has_buffered()) {
      boost::asio::post(socket_.get_executor(),
                        [this, space, handler = std::move(handler)]() mutable {
                          step_read(space, std::move(handler));
                        });
    } else {
      wait_to_read(Socket::wait_read, space, std::move(handler));
    }
  }

  // Writes what can be written now. Errors: would_block when that is nothing.
  size_t write_some(boost::asio::const_buffer piece, ErrorOfAsio& failure) {
    return tls_ ? write_encrypted({piece, {}}, failure) : socket_.write_some(piece, failure);
  }
  size_t write_some(const Pieces& pieces, ErrorOfAsio& failure) {
    return tls_ ? write_encrypted(pieces, failure) : socket_.write_some(pieces, failure);
  }

  // Writes all of `pieces`, which stay until handler(error, bytes).
  template <class Handler>
  void async_write(const Pieces& pieces, Handler handler) {
    if (!tls_) {
      boost::asio::async_write(socket_, pieces, std::move(handler));
      return;
    }
    socket_.async_wait(write_waits_for_,
                       [this, left = Pieces(pieces),
                        handler = std::move(handler)](const ErrorOfAsio& wait_failure) mutable {
                         if (wait_failure || !tls_ || !socket_.is_open())
                           return handler(aborted(), size_t{0});
                         ErrorOfAsio failure;
                         const size_t written = write_encrypted(left, failure);
                         if (failure && failure != boost::asio::error::would_block)
                           return handler(failure, written);
                         if (!skip(left, written)) return handler(ErrorOfAsio(), written);
                         async_write(left, std::move(handler));
                       });
  }

  // Tells the peer that nothing more comes. What is read after is what the socket gives, as it is:
  // only for dropping it.
  void end_sending();
  void close();
  // Closes so that the peer cannot take what it got for the whole: by a reset, without TLS's end.
  void abort();

 private:
  using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                  boost::asio::io_context::executor_type>;
  enum class FirstByte { none, end, of_http, other };

  FirstByte look_at_first_byte();
  void begin_tls(const TlsPublication& publication);
  size_t write_encrypted(Pieces pieces, ErrorOfAsio& failure);
  // Takes `bytes` off the front; whether something is left.
  static bool skip(Pieces& pieces, size_t bytes);
  static ErrorOfAsio aborted() { return boost::asio::error::operation_aborted; }

  template <class Handler>
  void step_handshake(Handler handler) {
    const TlsSession::Status status = tls_->handshake();
    if (status == TlsSession::Status::done) return handler(Handshake::done);
    if (status == TlsSession::Status::wants_read || status == TlsSession::Status::wants_write) {
      socket_.async_wait(
          status == TlsSession::Status::wants_read ? Socket::wait_read : Socket::wait_write,
          [this, handler = std::move(handler)](const ErrorOfAsio& failure) mutable {
            if (failure || !socket_.is_open()) return handler(Handshake::failed);
            step_handshake(std::move(handler));
          });
      return;
    }
    handshake_failure_ = tls_->failure_reason();
    handler(Handshake::failed);
  }

  template <class Handler>
  void wait_to_read(Socket::wait_type what, std::span<char> space, Handler handler) {
    socket_.async_wait(
        what, [this, space, handler = std::move(handler)](const ErrorOfAsio& failure) mutable {
          if (failure) return handler(failure, size_t{0});
          step_read(space, std::move(handler));
        });
  }

  template <class Handler>
  void step_read(std::span<char> space, Handler handler) {
    if (!socket_.is_open()) return handler(aborted(), size_t{0});
    if (!tls_) return async_read_some(space, std::move(handler));  // end_sending() came between
    const TlsSession::Step step = tls_->read(space);
    switch (step.status) {
      case TlsSession::Status::done: return handler(ErrorOfAsio(), step.bytes);
      case TlsSession::Status::wants_read:
        return wait_to_read(Socket::wait_read, space, std::move(handler));
      case TlsSession::Status::wants_write:
        return wait_to_read(Socket::wait_write, space, std::move(handler));
      case TlsSession::Status::ended:
        return handler(ErrorOfAsio(boost::asio::error::eof), size_t{0});
      case TlsSession::Status::failed:  // also an end that was not told: something may be cut off
        return handler(ErrorOfAsio(boost::asio::error::connection_reset), size_t{0});
    }
  }

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;
  Socket::wait_type write_waits_for_ = Socket::wait_write;
  const char* handshake_failure_ = "";
};

}  // namespace latchkey::http
