// The way back of a relay: the upstream's answer, and tunnels.
#include <cstring>

#include "base/assert.h"
#include "http/relay.h"

namespace latchkey::http {
namespace {

namespace asio = boost::asio;

// A piece up to this size is copied behind the head and sent with it; a larger one is gathered.
constexpr size_t kCopiedBytesMax = 8 * 1024;
constexpr int kInterimsMax = 16;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool must_wait(const Stream::ErrorOfAsio& failure) {
  return failure == asio::error::would_block || failure == asio::error::try_again;
}

}  // namespace

void Relay::on_upstream_read(const ErrorOfAsio& failure, size_t size_bytes) {
  switch (phase_) {
    case Phase::head:
      if (failure) {
        if (!retry_after_close())
          refuse(received_bytes_ > 0 ? Failure::malformed : Failure::broken);
        return;
      }
      received_bytes_ += size_bytes;
      return read_head();
    case Phase::answer: return failure ? on_answer_end(failure) : pass_on(size_bytes);
    case Phase::tunnel:
      if (failure) return end(RelayEnd::close);
      wait_for(options().tunnel_timeout);
      return write_to_client({}, {connection_->buffer(), size_bytes});
    case Phase::connecting:
    case Phase::ended: return;
  }
}

// Goes through what was received: interim answers, then the head of the answer.
void Relay::read_head() {
  while (received_bytes_ > 0) {
    size_t head_bytes = 0;
    const std::string_view received(connection_->buffer(), received_bytes_);
    switch (parse_response_head(received, is_head_request_, head_, head_bytes)) {
      case HeadOutcome::malformed: return refuse(Failure::malformed);
      case HeadOutcome::incomplete: return connection_->read(received_bytes_);
      case HeadOutcome::whole: break;
    }
    if (head_.status == 101) return begin_tunnel(head_bytes);
    if (head_.status >= 200) return begin_answer(head_bytes);
    if (!pass_on_interim()) return;
    received_bytes_ -= head_bytes;
    std::memmove(connection_->buffer(), connection_->buffer() + head_bytes, received_bytes_);
  }
  connection_->read(0);
}

// A client that waits for 100 gets it; other interim answers are dropped, since few clients know
// what to do with them. RFC 9110 section 15.2.
bool Relay::pass_on_interim() {
  if (++interims_ > kInterimsMax) {
    refuse(Failure::malformed);
    return false;
  }
  if (head_.status != 100 || !std::exchange(expects_continue_, false) || request_done_) return true;
  ErrorOfAsio failure;
  // All earlier answers were taken, so these few bytes fit, or the peer is gone.
  const size_t sent =
      client_->stream().write_some(asio::buffer(kContinue.data(), kContinue.size()), failure);
  if (!failure && sent == kContinue.size()) return true;
  end(RelayEnd::abort);
  return false;
}

void Relay::begin_answer(size_t head_bytes) {
  const bool is_streamed =
      head_.framing == BodyFraming::chunked || head_.framing == BodyFraming::until_close;
  // HTTP/1.0 knows no chunks: the end of its connection is the body's.
  const auto output =
      is_streamed && client_speaks_11_ ? BodyCoder::Output::chunked : BodyCoder::Output::plain;
  BodyCoder coder(head_.framing, head_.content_length, output);
  const std::span<char> behind(connection_->buffer() + head_bytes, received_bytes_ - head_bytes);
  const bool keeps_client =
      client_keeps_ && request_done_ && client_speaks_11_ && !thread_.stopping();
  head_out_.clear();
  append_answer_head(head_out_, head_,
                     {{keeps_client ? ConnectionUse::keep : ConnectionUse::close,
                       client_->stream().is_encrypted() ? Transport::tls : Transport::plain},
                      output,
                      forward_.answer_headers});
  // Only now: the framing of a first piece is written over the end of the head.
  BodyCoder::Piece piece{{}, {behind.data(), behind.size()}, false};
  if (!coder.is_done() && !behind.empty()) piece = coder.encode(behind);
  if (piece.is_malformed) return refuse(Failure::malformed);
  keeps_client_ = keeps_client;
  keeps_upstream_ = head_.keep_alive && request_done_ && piece.rest.empty();
  answer_coder_ = coder;
  phase_ = Phase::answer;
  upstream().note_success(connection_->address());
  write_to_client(head_out_, piece.bytes);
}

void Relay::pass_on(size_t size_bytes) {
  const BodyCoder::Piece piece = answer_coder_.encode({connection_->buffer(), size_bytes});
  if (piece.is_malformed) return break_answer(Failure::malformed);
  keeps_upstream_ = keeps_upstream_ && piece.rest.empty();
  write_to_client({}, piece.bytes);
}

void Relay::on_answer_end(const ErrorOfAsio& failure) {
  BodyCoder::Piece piece;
  if (failure != asio::error::eof || !answer_coder_.take_end(piece)) {
    return break_answer(Failure::broken);
  }
  keeps_upstream_ = false;
  write_to_client({}, piece.bytes);
}

// Writes head_out_ or nothing, and then `bytes` of the connection's buffer.
void Relay::write_to_client(std::string_view head, std::string_view bytes) {
  if (!head.empty() && !bytes.empty() && bytes.size() <= kCopiedBytesMax) {
    head_out_ += bytes;
    head = head_out_;
    bytes = {};
  }
  Stream::Pieces pieces = {asio::buffer(head.data(), head.size()),
                           asio::buffer(bytes.data(), bytes.size())};
  if (head.empty()) std::swap(pieces[0], pieces[1]);
  const size_t wanted = head.size() + bytes.size();
  if (wanted == 0) return on_client_written({});
  ErrorOfAsio failure;
  Stream& stream = client_->stream();
  const size_t written = pieces[1].size() == 0 ? stream.write_some(pieces[0], failure)
                                               : stream.write_some(pieces, failure);
  if (failure && !must_wait(failure)) return end(RelayEnd::abort);
  if (written == wanted) return on_client_written({});
  const size_t of_first = std::min(written, pieces[0].size());
  pieces[0] += of_first;
  pieces[1] += written - of_first;
  answer_write_pending_ = true;
  wait_for(phase_ == Phase::tunnel ? options().tunnel_timeout : options().stall_timeout);
  stream.async_write(pieces, [self = shared_from_this(), owner = owner_](
                                 const ErrorOfAsio& write_failure, size_t) {
    self->answer_write_pending_ = false;
    if (self->phase_ != Phase::ended) self->on_client_written(write_failure);
  });
}

void Relay::on_client_written(const ErrorOfAsio& failure) {
  if (failure) return end(RelayEnd::abort);
  if (phase_ == Phase::tunnel) {
    wait_for(options().tunnel_timeout);
  } else {
    if (answer_coder_.is_done()) return answer_done();
    wait_for(options().stall_timeout);
  }
  connection_->read(0);
}

void Relay::answer_done() {
  if (keeps_upstream_) {
    connection_->release(thread_.deadline_in(options().idle_timeout));
    connection_.reset();
  }
  end(keeps_client_ ? RelayEnd::keep : RelayEnd::close);
}

void Relay::begin_tunnel(size_t head_bytes) {
  if (!forward_.is_upgrade || !head_.is_websocket) return refuse(Failure::malformed);
  LK_ASSERT(request_done_);  // a request to upgrade has no body
  phase_ = Phase::tunnel;
  upstream().live.tunnels_open.fetch_add(1, std::memory_order_relaxed);
  upstream().note_success(connection_->address());
  wait_for(options().tunnel_timeout);
  head_out_.clear();
  append_upgrade_head(head_out_, head_);
  client_sent();
  if (phase_ != Phase::tunnel) return;
  write_to_client(head_out_, {connection_->buffer() + head_bytes, received_bytes_ - head_bytes});
}

void Relay::client_sent() {
  if (phase_ != Phase::tunnel || tunnel_write_pending_) return;
  const std::string_view there = client_->exchange().after_head();
  if (there.empty()) return;
  wait_for(options().tunnel_timeout);
  ErrorOfAsio failure;
  const size_t written =
      connection_->stream().write_some(asio::buffer(there.data(), there.size()), failure);
  if (failure && !must_wait(failure)) return end(RelayEnd::close);
  if (written == there.size()) return on_tunnel_written({});
  tunnel_write_pending_ = true;
  write_to_upstream(there.substr(written));
}

void Relay::on_tunnel_written(const ErrorOfAsio& failure) {
  tunnel_write_pending_ = false;
  if (failure) return end(RelayEnd::close);
  client_->exchange().drop_input();
  client_->tunnel_took_input();
}

}  // namespace latchkey::http
