// One request on its way to an upstream, and the answer on its way back.
//
// Each direction has one buffer and reads only when what it read before is written, so a slow side
// slows the other and nothing piles up. An answer may begin before the request has ended. What goes
// wrong before the first byte of the answer becomes 502, 503 or 504; what goes wrong after ends the
// client's connection so that nobody takes the answer for whole. After 101 both directions are a
// tunnel. docs/spec/proxy.md. Includes Asio, as upstream_pool.h. Thread safety: one thread.
#pragma once

#include <memory>
#include <string>

#include "http/body_coder.h"
#include "http/exchange.h"
#include "http/forward.h"
#include "http/network_thread.h"
#include "http/relay_text.h"
#include "http/upstream_pool.h"

namespace latchkey::http {

// What the client's connection is left as.
enum class RelayEnd {
  keep,   // for the next request
  close,  // after the peer took all
  abort   // so that the peer sees that the answer is not whole
};

// The connection of the client, as the relay needs it.
class RelayClient {
 public:
  virtual ~RelayClient() = default;
  virtual Stream& stream() = 0;
  virtual Exchange& exchange() = 0;
  // The whole request was taken, with `body_bytes` behind its head, and `rest` came after it: what
  // the client sends from now on is the connection's to read. It tells client_left().
  virtual void request_taken(size_t body_bytes, std::string_view rest) = 0;
  // Nothing of an answer was sent: answers this.
  virtual void relay_refused(Response&& response) = 0;
  // The answer of `status`, with a body of `body_bytes`, is at its end, good or bad.
  virtual void relay_ended(RelayEnd end, int status, uint64_t body_bytes) = 0;
  // A tunnel took what was there: the connection may read on.
  virtual void tunnel_took_input() = 0;
};

class Relay final : public UpstreamUser, public std::enable_shared_from_this<Relay> {
 public:
  // `owner` is `client`'s, kept until the relay has ended.
  Relay(NetworkThread& thread, RelayClient& client, std::shared_ptr<void> owner, Forward forward);
  ~Relay() override;

  // Begins. The client may be told of a refusal within.
  void start();
  void check_deadline(Ticks now);
  // The client is gone or sends what nobody reads: ends without a word.
  void client_left();
  // The client sent something behind its request, in its exchange. For tunnels.
  void client_sent();
  // The connection closes.
  void abandon();

  void on_upstream_read(const Stream::ErrorOfAsio& failure, size_t size_bytes) override;

 private:
  using ErrorOfAsio = Stream::ErrorOfAsio;
  enum class Phase { connecting, head, answer, tunnel, ended };
  enum class Failure { unreachable, timed_out, malformed, broken, down, full };

  enum class From { exchange, socket };

  bool prepare_request();
  void take_connection(bool may_be_kept);
  void connect(std::vector<SocketName> sockets, size_t next);
  void on_connected(const ErrorOfAsio& failure, std::vector<SocketName> sockets, size_t next);
  void connect_failed(Failure why);
  void send_head();

  void pump_request();
  size_t take_from_exchange();
  void read_request();
  void on_request_read(const ErrorOfAsio& failure, size_t size_bytes);
  bool send_piece(size_t bytes, From from);
  void write_to_upstream(std::string_view bytes);
  void on_upstream_written(const ErrorOfAsio& failure);
  void request_done(std::string_view rest);
  void stop_request();
  bool retry_after_close();

  void read_head();
  bool pass_on_interim();
  void begin_answer(size_t head_bytes);
  void pass_on(size_t size_bytes);
  void on_answer_end(const ErrorOfAsio& failure);
  void write_to_client(std::string_view head, std::string_view bytes);
  void on_client_written(const ErrorOfAsio& failure);
  void answer_done();

  void begin_tunnel(size_t head_bytes);
  void on_tunnel_written(const ErrorOfAsio& failure);

  void refuse(Failure failure);
  void refuse_client(const Refusal& refusal);
  void answer_with(Response&& response);
  void break_answer(Failure failure);
  void count(Failure failure);
  void drop_connection();
  void end(RelayEnd how);
  void wait_for(Milliseconds timeout) { deadline_ = thread_.deadline_in(timeout); }
  char* request_space() { return request_buffer_.get() + BodyCoder::kRoomBefore; }
  Upstream& upstream() { return *forward_.upstream; }
  const UpstreamOptions& options() { return forward_.upstream->options(); }

  NetworkThread& thread_;
  RelayClient* client_;          // null once ended
  std::shared_ptr<void> owner_;  // of client_
  Forward forward_;
  std::shared_ptr<UpstreamConnection> connection_;
  Phase phase_ = Phase::connecting;
  Ticks deadline_;
  uint32_t passed_over_ = 0;                     // addresses that could not be reached
  Failure last_failure_ = Failure::unreachable;  // of those
  bool retried_ = false;

  // The request. Its head is in forward_, with the framing, and with the body if that was there.
  bool is_head_request_ = false;
  bool is_idempotent_ = false;
  bool is_in_head_ = false;
  bool client_speaks_11_ = false;
  bool client_keeps_ = false;
  bool expects_continue_ = false;
  bool request_done_ = false;
  bool request_stopped_ = false;  // the upstream takes no more of it
  bool client_read_pending_ = false;
  size_t head_sent_bytes_ = 0;
  size_t taken_bytes_ = 0;  // of what the exchange had behind the head
  BodyCoder request_coder_;
  std::unique_ptr<char[]> request_buffer_;
  std::string_view request_rest_;  // in the buffer, behind the request's end
  MemoryShare request_share_;

  // The answer.
  ResponseHead head_;
  size_t received_bytes_ = 0;  // of a head, in the connection's buffer
  int interims_ = 0;
  bool keeps_upstream_ = false;
  bool keeps_client_ = false;
  BodyCoder answer_coder_;
  std::string head_out_;
  bool answer_write_pending_ = false;
  MemoryShare answer_share_;

  // The tunnel.
  bool tunnel_write_pending_ = false;
  Ticks next_look_;
};

}  // namespace latchkey::http
