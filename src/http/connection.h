// One accepted connection: reads requests one after the other, has them answered, writes the
// answers.
//
// Its phase says what it waits for, and each phase but `handling` has a deadline, which the
// thread's sweep checks. There is at most one read and one write outstanding; nothing is read while
// a handler owes an answer, so what a peer can make us hold is one buffer (and TLS's own of one
// record each way). docs/spec/http.md.
// Thread safety: the network thread only.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "http/exchange.h"
#include "http/network_thread.h"
#include "http/relay.h"
#include "http/response_text.h"
#include "http/stream.h"

namespace latchkey::http {

class Connection final : public AnswerTarget,
                         public RelayClient,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(NetworkThread& thread, Accepted accepted);
  ~Connection() override;

  // Begins to read.
  void start();
  // Answers 503 and closes: there are too many connections.
  void refuse_overload();
  // Ends what has waited for longer than its deadline.
  void check_deadline(Ticks now);
  // The server stops: closes if no request is in progress.
  void close_if_idle();
  // Closes now, whatever is in progress.
  void close();

  void answered(Response&& response) override;

  // Of RelayClient; connection_relay.cc.
  Stream& stream() override { return stream_; }
  Exchange& exchange() override { return *exchange_; }
  void request_taken(size_t body_bytes, std::string_view rest) override;
  void relay_refused(Response&& response) override;
  void relay_ended(RelayEnd end, int status, uint64_t body_bytes) override;
  void tunnel_took_input() override { read(); }

  // Where the thread keeps this connection in its list.
  size_t position = 0;

 private:
  enum class Phase {
    handshake,
    waiting,
    head,
    body,
    handling,
    relaying,
    writing,
    draining,
    closed
  };
  using ErrorOfAsio = Stream::ErrorOfAsio;

  void begin();
  void begin_handshake(const TlsPublication& tls);
  void on_handshake(Stream::Handshake outcome);
  void fail_handshake(const char* reason);
  void read();
  void on_read(const ErrorOfAsio& failure, size_t size_bytes);
  void advance();
  void await_more(Exchange::Progress progress);
  bool serve();
  void note_wait();
  bool shed();
  bool begin_request();
  bool decide();
  bool answer_head(Response&& response);
  bool begin_relay(Forward&& forward);
  void refuse(const Refusal& refusal);
  bool flush();
  void on_written(const ErrorOfAsio& failure);
  bool finish_response();
  void drain();
  void enter(Phase phase, Milliseconds timeout);
  void prepare(Response&& response);
  void log_access(int status, uint64_t body_bytes) const;
  Stream::Pieces unwritten() const;

  NetworkThread& thread_;
  Stream stream_;
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Relay> relay_;           // in Phase::relaying
  bool is_fresh_ = false;                  // what was read began with this request
  bool has_begun_ = false;                 // the request has its id
  bool request_was_taken_ = false;         // by the relay: the exchange is at the next one
  bool head_only_ = false;                 // of a request that was taken
  std::string taken_method_, taken_path_;  // of it, for the access log
  Phase phase_ = Phase::waiting;
  bool is_overload_ = false;
  Ticks deadline_;
  bool read_pending_ = false;
  bool in_handler_ = false;
  bool answer_ready_ = false;
  bool close_after_ = false;
  size_t drained_bytes_ = 0;
  std::string head_out_;  // the answer's head, and its body if that is small
  std::string body_out_;  // a large body
  size_t written_bytes_ = 0;
  MemoryShare output_share_;  // of body_out_, while its peer is slow
  std::chrono::steady_clock::time_point request_began_;
};

}  // namespace latchkey::http
