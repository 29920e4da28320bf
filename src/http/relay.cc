#include "http/relay.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"

namespace latchkey::http {
namespace {

namespace asio = boost::asio;

// A body up to this size that came with its head is sent with it, in one write.
constexpr size_t kInlineBodyBytesMax = 8 * 1024;
constexpr Milliseconds kLookInterval{1'000};

bool must_wait(const Stream::ErrorOfAsio& failure) {
  return failure == asio::error::would_block || failure == asio::error::try_again;
}

// RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET",   "HEAD",   "OPTIONS",
                                                        "TRACE", "DELETE", "PUT"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

Stream::Pieces pieces_of(std::string_view bytes) {
  return {asio::buffer(bytes.data(), bytes.size()), asio::const_buffer()};
}

}  // namespace

Relay::Relay(NetworkThread& thread, RelayClient& client, std::shared_ptr<void> owner,
             Forward forward)
    : thread_(thread),
      client_(&client),
      owner_(std::move(owner)),
      forward_(std::move(forward)),
      request_share_(thread.memory()),
      answer_share_(thread.memory()) {}

Relay::~Relay() { wipe(forward_.head.data(), forward_.head.size()); }

void Relay::start() {
  upstream().live.requests_total.fetch_add(1, std::memory_order_relaxed);
  const ParsedHead& head = client_->exchange().head();
  if (head.content_length > forward_.body_bytes_max) {
    return refuse_client({413, "The body is too large."});
  }
  if (!answer_share_.resize(UpstreamConnection::kBufferBytes)) return refuse(Failure::full);
  if (prepare_request()) take_connection(true);
}

// Frames the request. False when there is no memory for it.
bool Relay::prepare_request() {
  Exchange& exchange = client_->exchange();
  const ParsedHead& head = exchange.head();
  is_head_request_ = head.method == "HEAD";
  is_idempotent_ = is_idempotent(head.method);
  client_speaks_11_ = head.is_http_11;
  client_keeps_ = head.keep_alive;
  std::string& text = forward_.head;
  if (forward_.is_upgrade) text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  if (head.chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  } else if (head.content_length > 0 || exchange.count_headers("Content-Length") > 0) {
    text.append("Content-Length: ").append(std::to_string(head.content_length)).append("\r\n");
  }
  const std::string_view there = exchange.after_head();
  const bool is_whole = !head.chunked && there.size() >= head.content_length;
  if (is_whole && head.content_length <= kInlineBodyBytesMax) {
    text.append("\r\n").append(there.substr(0, static_cast<size_t>(head.content_length)));
    taken_bytes_ = static_cast<size_t>(head.content_length);
    is_in_head_ = true;
    request_done({});
    return true;
  }
  expects_continue_ = head.expects_continue;
  text += expects_continue_ ? "Expect: 100-continue\r\n\r\n" : "\r\n";
  if (!request_share_.resize(UpstreamConnection::kBufferBytes)) {
    refuse(Failure::full);
    return false;
  }
  request_buffer_ = std::make_unique_for_overwrite<char[]>(
      BodyCoder::kRoomBefore + UpstreamConnection::kBufferBytes + BodyCoder::kRoomBehind);
  request_coder_ =
      head.chunked ? BodyCoder(BodyFraming::chunked, 0, BodyCoder::Output::chunked)
                   : BodyCoder(BodyFraming::length, head.content_length, BodyCoder::Output::plain);
  return true;
}

void Relay::take_connection(bool may_be_kept) {
  UpstreamPool::Taken taken = thread_.upstreams().take(upstream(), passed_over_, may_be_kept);
  switch (taken.outcome) {
    case UpstreamPool::Outcome::down:
      return refuse(passed_over_ == 0 ? Failure::down : last_failure_);
    case UpstreamPool::Outcome::full: return refuse(Failure::full);
    case UpstreamPool::Outcome::kept: connection_ = std::move(taken.connection); return send_head();
    case UpstreamPool::Outcome::fresh:
      connection_ = std::move(taken.connection);
      phase_ = Phase::connecting;
      wait_for(options().connect_timeout);
      return connect(upstream().sockets_of(connection_->address()), 0);
  }
}

void Relay::connect(std::vector<SocketName> sockets, size_t next) {
  if (next == sockets.size()) return connect_failed(Failure::unreachable);
  const SocketName to = sockets[next];
  connection_->open(thread_.io(), to.family)
      .async_connect(to, [self = shared_from_this(), connection = connection_,
                          sockets = std::move(sockets), next](const ErrorOfAsio& failure) mutable {
        if (self->connection_ == connection) {
          self->on_connected(failure, std::move(sockets), next);
        }
      });
}

void Relay::on_connected(const ErrorOfAsio& failure, std::vector<SocketName> sockets, size_t next) {
  if (phase_ != Phase::connecting) return;
  if (failure) return connect(std::move(sockets), next + 1);
  const UpstreamUrl& url = upstream().url(connection_->address());
  if (!url.is_tls) return send_head();
  connection_->stream().async_client_handshake(
      *upstream().tls(), url.host,
      [self = shared_from_this(), connection = connection_](Stream::Handshake outcome) {
        if (self->phase_ != Phase::connecting || self->connection_ != connection) return;
        if (outcome == Stream::Handshake::done) return self->send_head();
        self->thread_.dependencies().log.warning(
            "proxy.tls_handshake_failed", {{"upstream", self->upstream().name()},
                                           {"reason", connection->stream().handshake_failure()}});
        self->connect_failed(Failure::unreachable);
      });
}

// Nothing was sent, so another address may be tried whatever the request is.
void Relay::connect_failed(Failure why) {
  count(why);
  last_failure_ = why;
  upstream().note_failure(connection_->address());
  passed_over_ |= 1u << connection_->address();
  drop_connection();
  take_connection(true);
}

void Relay::send_head() {
  phase_ = Phase::head;
  received_bytes_ = 0;
  connection_->use(shared_from_this());
  wait_for(request_done_ ? options().head_timeout : options().stall_timeout);
  ErrorOfAsio failure;
  head_sent_bytes_ =
      connection_->stream().write_some(asio::buffer(std::as_const(forward_.head)), failure);
  if (failure && !must_wait(failure)) {
    if (!retry_after_close()) refuse(Failure::broken);
    return;
  }
  if (!connection_->read_pending()) connection_->read(0);
  if (head_sent_bytes_ == forward_.head.size()) return pump_request();
  const std::string_view rest = std::string_view(forward_.head).substr(head_sent_bytes_);
  write_to_upstream(rest);
}

// Sends on what there is of the request's body, and then reads more of it.
void Relay::pump_request() {
  if (request_done_ || request_stopped_) return;
  while (!request_coder_.is_done()) {
    const size_t bytes = take_from_exchange();
    if (bytes == 0) return read_request();
    if (!send_piece(bytes, From::exchange)) return;
  }
  request_done(request_rest_);
}

// How many bytes of the body that came with the head are in the buffer now.
size_t Relay::take_from_exchange() {
  const std::string_view there = client_->exchange().after_head().substr(taken_bytes_);
  const auto bytes = static_cast<size_t>(std::min<uint64_t>(
      {there.size(), UpstreamConnection::kBufferBytes, request_coder_.left_bytes_max()}));
  std::memcpy(request_space(), there.data(), bytes);
  taken_bytes_ += bytes;
  return bytes;
}

void Relay::read_request() {
  const auto bytes = static_cast<size_t>(
      std::min<uint64_t>(UpstreamConnection::kBufferBytes, request_coder_.left_bytes_max()));
  client_read_pending_ = true;
  client_->stream().async_read_some(
      {request_space(), bytes},
      [self = shared_from_this(), owner = owner_](const ErrorOfAsio& failure, size_t size_bytes) {
        self->on_request_read(failure, size_bytes);
      });
}

void Relay::on_request_read(const ErrorOfAsio& failure, size_t size_bytes) {
  client_read_pending_ = false;
  if (phase_ == Phase::ended) return;
  if (failure) return client_left();
  if (request_stopped_) return;
  if (send_piece(size_bytes, From::socket)) pump_request();
}

// Sends `bytes` of the buffer. True when they are written and the next may come.
bool Relay::send_piece(size_t bytes, From from) {
  const BodyCoder::Piece piece = request_coder_.encode({request_space(), bytes});
  if (piece.is_malformed) {
    refuse_client({400, "The chunked body is malformed."});
    return false;
  }
  if (request_coder_.body_bytes() > forward_.body_bytes_max) {
    refuse_client({413, "The body is too large."});
    return false;
  }
  if (from == From::exchange) {
    taken_bytes_ -= piece.rest.size();
  } else {
    request_rest_ = piece.rest;
  }
  wait_for(options().stall_timeout);
  if (piece.bytes.empty()) return true;
  ErrorOfAsio failure;
  const size_t written = connection_->stream().write_some(
      asio::buffer(piece.bytes.data(), piece.bytes.size()), failure);
  if (failure && !must_wait(failure)) {
    stop_request();
    return false;
  }
  if (written == piece.bytes.size()) return true;
  write_to_upstream(piece.bytes.substr(written));
  return false;
}

void Relay::write_to_upstream(std::string_view bytes) {
  connection_->stream().async_write(
      pieces_of(bytes),
      [self = shared_from_this(), connection = connection_](const ErrorOfAsio& failure, size_t) {
        if (self->connection_ == connection) self->on_upstream_written(failure);
      });
}

void Relay::on_upstream_written(const ErrorOfAsio& failure) {
  if (phase_ == Phase::ended) return;
  if (phase_ == Phase::tunnel) return on_tunnel_written(failure);
  if (failure) return stop_request();
  wait_for(request_done_ ? options().head_timeout : options().stall_timeout);
  pump_request();
}

// `rest` is what the client sent behind the request.
void Relay::request_done(std::string_view rest) {
  request_done_ = true;
  if (phase_ == Phase::head) wait_for(options().head_timeout);
  client_->request_taken(taken_bytes_, rest);
  request_buffer_.reset();
  request_share_.clear();
}

// The upstream takes no more; it may have said why, which the outstanding read brings.
void Relay::stop_request() {
  request_stopped_ = true;
  if (phase_ == Phase::head) wait_for(options().head_timeout);
}

// A kept connection that the upstream closed just now: the request goes out once more, if the
// upstream cannot have acted on it, or may act twice. RFC 9110 section 9.2.2.
bool Relay::retry_after_close() {
  const bool is_safe = head_sent_bytes_ == 0 || (is_in_head_ && is_idempotent_);
  if (!connection_->is_kept() || retried_ || received_bytes_ > 0 || !is_safe) return false;
  retried_ = true;
  upstream().live.retries_total.fetch_add(1, std::memory_order_relaxed);
  drop_connection();
  take_connection(false);
  return true;
}

void Relay::client_left() { end(RelayEnd::abort); }

void Relay::refuse_client(const Refusal& refusal) {
  if (phase_ == Phase::answer) return break_answer(Failure::broken);
  answer_with(make_refusal(refusal, client_->exchange().request_id()));
}

void Relay::refuse(Failure failure) {
  struct Row {
    Refusal refusal;
    const char* word;
  };
  static constexpr Row kRows[] = {
      {{502, "The upstream cannot be reached.", kUpstreamAway}, "unreachable"},
      {{504, "The upstream did not answer in time.", kUpstreamAway}, "timed_out"},
      {{502, "The upstream's answer is not well-formed HTTP.", kUpstreamAway}, "malformed"},
      {{502, "The upstream closed the connection without an answer.", kUpstreamAway}, "broken"},
      {{503, "The upstream is down; try again in a moment.", kUpstreamAway}, "down"},
      {{503, "The upstream is busy; try again in a moment.", kServerBusy}, "full"}};
  const Row& row = kRows[static_cast<size_t>(failure)];
  if (failure != Failure::unreachable && failure != last_failure_) count(failure);
  const bool is_its_fault =
      failure == Failure::timed_out || failure == Failure::malformed || failure == Failure::broken;
  if (is_its_fault && connection_) upstream().note_failure(connection_->address());
  Response response = make_refusal(row.refusal, client_->exchange().request_id());
  response.add_header("Latchkey-Upstream-Error", row.word);
  thread_.dependencies().log.warning("proxy.failed", {{"id", client_->exchange().request_id()},
                                                      {"upstream", upstream().name()},
                                                      {"reason", row.word}});
  answer_with(std::move(response));
}

void Relay::answer_with(Response&& response) {
  drop_connection();
  phase_ = Phase::ended;
  RelayClient* const client = std::exchange(client_, nullptr);
  const std::shared_ptr<void> owner = std::move(owner_);
  client->relay_refused(std::move(response));
}

void Relay::break_answer(Failure failure) {
  count(failure);
  if (connection_) upstream().note_failure(connection_->address());
  thread_.dependencies().log.warning(
      "proxy.answer_broken",
      {{"id", client_->exchange().request_id()}, {"upstream", upstream().name()}});
  end(RelayEnd::abort);
}

void Relay::count(Failure failure) {
  Upstream::Live& live = upstream().live;
  std::atomic<uint64_t>* const kCounters[] = {&live.connect_failed_total, &live.timed_out_total,
                                              &live.malformed_total,      &live.broken_total,
                                              &live.down_total,           &live.full_total};
  kCounters[static_cast<size_t>(failure)]->fetch_add(1, std::memory_order_relaxed);
}

void Relay::drop_connection() {
  if (!connection_) return;
  connection_->close();
  connection_.reset();
}

void Relay::end(RelayEnd how) {
  if (phase_ == Phase::tunnel) {
    upstream().live.tunnels_open.fetch_sub(1, std::memory_order_relaxed);
  }
  const int status = phase_ == Phase::answer || phase_ == Phase::tunnel ? head_.status : 0;
  drop_connection();
  phase_ = Phase::ended;
  RelayClient* const client = std::exchange(client_, nullptr);
  const std::shared_ptr<void> owner = std::move(owner_);
  client->relay_ended(how, status, answer_coder_.body_bytes());
}

void Relay::abandon() {
  if (phase_ == Phase::ended) return;
  if (phase_ == Phase::tunnel) {
    upstream().live.tunnels_open.fetch_sub(1, std::memory_order_relaxed);
  }
  drop_connection();
  phase_ = Phase::ended;
  client_ = nullptr;
  owner_.reset();
}

void Relay::check_deadline(Ticks now) {
  if (phase_ == Phase::tunnel && forward_.still_allowed && now >= next_look_) {
    next_look_ = now + kLookInterval;
    if (!forward_.still_allowed()) return end(RelayEnd::abort);
  }
  if (now < deadline_) return;
  switch (phase_) {
    case Phase::connecting: return connect_failed(Failure::timed_out);
    case Phase::head:
      if (client_read_pending_ && !request_stopped_) {
        return refuse_client({408, "The body took too long."});
      }
      return refuse(Failure::timed_out);
    case Phase::answer:
      // Who is slow: the client, which does not take what we have, or the upstream?
      return answer_write_pending_ ? end(RelayEnd::abort) : break_answer(Failure::timed_out);
    case Phase::tunnel: return end(RelayEnd::close);
    case Phase::ended: return;
  }
}

}  // namespace latchkey::http
