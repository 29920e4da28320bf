// TLS on one connected socket, either side: handshake, reading, writing, the end.
//
// Works on the non-blocking descriptor itself: a step that cannot go on says what to wait for. The
// descriptor is borrowed, and must be open in each call. OpenSSL stays in the .cc file.
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace latchkey::http {

class TlsClientContext;
class TlsContext;

class TlsSession {
 public:
  enum class Status {
    done,
    wants_read,   // try again when the socket can be read
    wants_write,  // try again when the socket can be written
    ended,        // the peer has ended it in due form
    failed        // and nothing but the destructor may be called after
  };
  struct Step {
    Status status;
    size_t bytes = 0;  // read or written, when done
  };

  // Takes what it needs of `context`. `socket` is a connected socket whose peer speaks first.
  TlsSession(const TlsContext& context, int socket);
  // The client's side, to a server that must show a certificate for `host`.
  TlsSession(const TlsClientContext& context, int socket, const std::string& host);
  ~TlsSession();

  Status handshake();
  // REQUIRES for these: the handshake is done.
  Step read(std::span<char> space);
  // `bytes` is not empty. After wants_*, the next call has the same bytes, maybe more behind them.
  Step write(std::string_view bytes);
  // Whether bytes were received that read() has not looked at: the socket need not become readable.
  bool has_buffered() const;
  // Tells the peer that nothing more comes, if that can be sent now.
  void end();

  // Why it failed, in OpenSSL's words, which hold nothing of what the peer sent.
  const char* failure_reason() const { return failure_reason_; }

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  Status status_of(int result);

  std::unique_ptr<ssl_st, Free> session_;
  bool is_established_ = false;
  const char* failure_reason_ = "";
};

}  // namespace latchkey::http
