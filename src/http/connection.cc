#include "http/connection.h"

#include <exception>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/secret.h"
#include "http/loggable_path.h"

namespace latchkey::http {
namespace {

namespace asio = boost::asio;

// A body up to this size is copied behind its head and sent with it; a larger one is gathered.
constexpr size_t kCopiedBodyBytesMax = 8 * 1024;
constexpr size_t kOutputBytesKept = 64 * 1024;
// After the last answer we read on for a moment: to close with unread bytes would reset the
// connection, and the peer could lose the answer. RFC 9112 section 9.6.
constexpr Milliseconds kDrainTime{1'000};
constexpr size_t kDrainBytesMax = 4 * 1024 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr Refusal kShed{503, "More has come than can be served now; try again in a moment.",
                        kServerBusy};

void wipe_text(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
  if (text.capacity() > kOutputBytesKept) std::string().swap(text);
}

}  // namespace

Connection::Connection(NetworkThread& thread, Accepted accepted)
    : thread_(thread),
      stream_(thread.io(), accepted),
      exchange_(std::make_shared<Exchange>(thread.options().limits, *this, thread.route(),
                                           thread.memory(), std::move(accepted.peer_address))),
      output_share_(thread.memory()) {}

Connection::~Connection() { exchange_->detach(); }

void Connection::start() {
  const TlsPublication* const tls = thread_.dependencies().tls;
  tls ? begin_handshake(*tls) : begin();
}

void Connection::refuse_overload() {
  is_overload_ = true;
  start();
}

// Begins to speak HTTP.
void Connection::begin() {
  if (is_overload_) return refuse({503, "There are too many connections.", kServerBusy});
  exchange_->set_up(thread_.dependencies().forwarder != nullptr, thread_.options().trusted_proxies,
                    stream_.is_encrypted());
  enter(Phase::waiting, thread_.options().limits.head_timeout);
  read();
}

void Connection::begin_handshake(const TlsPublication& tls) {
  enter(Phase::handshake, thread_.options().limits.head_timeout);
  stream_.async_handshake(
      tls, [self = shared_from_this()](Stream::Handshake outcome) { self->on_handshake(outcome); });
}

void Connection::on_handshake(Stream::Handshake outcome) {
  if (phase_ != Phase::handshake) return;  // closed meanwhile
  switch (outcome) {
    case Stream::Handshake::done: thread_.counters().tls_handshakes_total.add(); return begin();
    case Stream::Handshake::peer_left: return close();
    case Stream::Handshake::failed: return fail_handshake(stream_.handshake_failure());
    case Stream::Handshake::plain:
      thread_.counters().tls_handshakes_failed.add();
      return refuse({400, "This port speaks TLS: use https."});
  }
}

void Connection::fail_handshake(const char* reason) {
  thread_.counters().tls_handshakes_failed.add();
  thread_.dependencies().log.write(LogLevel::debug, "http.tls_handshake_failed",
                                   {{"reason", reason}, {"peer", exchange_->peer_address()}});
  close();
}

void Connection::enter(Phase phase, Milliseconds timeout) {
  phase_ = phase;
  deadline_ = thread_.deadline_in(timeout);
}

void Connection::check_deadline(Ticks now) {
  if (now < deadline_ && phase_ != Phase::relaying) return;
  switch (phase_) {
    case Phase::handshake: return fail_handshake("it took too long");
    case Phase::head: return refuse({408, "The head took too long."});
    case Phase::body: return refuse({408, "The body took too long."});
    case Phase::waiting:
    case Phase::writing:
    case Phase::draining: return close();
    case Phase::relaying: {
      const std::shared_ptr<Relay> relay = relay_;
      return relay->check_deadline(now);
    }
    case Phase::handling:
    case Phase::closed: return;
  }
}

void Connection::close_if_idle() {
  if (phase_ == Phase::waiting || phase_ == Phase::handshake) close();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  exchange_->detach();
  if (const std::shared_ptr<Relay> relay = std::move(relay_)) relay->abandon();
  stream_.close();
  thread_.forget(*this);
}

void Connection::read() {
  if (read_pending_) return;
  read_pending_ = true;
  stream_.async_read_some(exchange_->input(),
                          [self = shared_from_this()](const ErrorOfAsio& failure, size_t bytes) {
                            self->on_read(failure, bytes);
                          });
}

void Connection::on_read(const ErrorOfAsio& failure, size_t size_bytes) {
  read_pending_ = false;
  switch (phase_) {
    case Phase::waiting: is_fresh_ = true; [[fallthrough]];
    case Phase::head:
    case Phase::body:
      if (failure) return close();
      exchange_->received(size_bytes);
      return advance();
    case Phase::draining:
      drained_bytes_ += size_bytes;
      if (failure || drained_bytes_ > kDrainBytesMax) return close();
      exchange_->drop_input();
      return read();
    case Phase::relaying: {
      const std::shared_ptr<Relay> relay = relay_;
      if (failure) return relay->client_left();
      exchange_->received(size_bytes);
      return relay->client_sent();
    }
    case Phase::handshake:
    case Phase::handling:
    case Phase::writing:  // of a 408; drain() reads on
    case Phase::closed: return;
  }
}

// Goes on until something has to be waited for.
void Connection::advance() {
  while (exchange_->has_input()) {
    const Exchange::Progress progress = exchange_->parse();
    switch (progress) {
      case Exchange::Progress::head_incomplete:
      case Exchange::Progress::body_incomplete: return await_more(progress);
      case Exchange::Progress::head_complete:
        if (!decide()) return;
        break;
      case Exchange::Progress::refused: return refuse(exchange_->refusal());
      case Exchange::Progress::complete:
        if (!serve()) return;
        break;
    }
  }
  read();
}

void Connection::await_more(Exchange::Progress progress) {
  const Limits& limits = thread_.options().limits;
  if (progress == Exchange::Progress::head_incomplete) {
    if (phase_ != Phase::head) enter(Phase::head, limits.head_timeout);
  } else {
    if (phase_ != Phase::body) enter(Phase::body, limits.body_timeout);
    if (exchange_->take_continue()) {
      ErrorOfAsio failure;
      // All earlier answers were taken, so these few bytes fit, or the peer is gone.
      const size_t sent =
          stream_.write_some(asio::buffer(kContinue.data(), kContinue.size()), failure);
      if (failure || sent != kContinue.size()) return close();
    }
  }
  read();
}

// Gives the request its id. False when there is none, and the connection is at its end.
bool Connection::begin_request() {
  if (has_begun_) return true;
  has_begun_ = true;
  const auto id = thread_.ids().next();
  if (!id) {
    refuse(kFailed);
    return false;
  }
  exchange_->set_request_id(*id);
  thread_.counters().requests_total.add();
  if (thread_.options().access_log) request_began_ = std::chrono::steady_clock::now();
  return true;
}

// Has the whole request answered. True when the next one may be looked at.
bool Connection::serve() {
  phase_ = Phase::handling;
  if (!begin_request()) return false;
  note_wait();
  if (shed()) return flush();

  answer_ready_ = false;
  in_handler_ = true;
  exchange_->set_inline(true);
  // A Reply that is lost on the way out of an exception answers 500.
  try {
    thread_.dependencies().handler.handle(*exchange_, Reply(exchange_));
  } catch (const std::exception& failure) {
    thread_.dependencies().log.error("http.handler_threw", {{"reason", failure.what()}});
  } catch (...) {
    thread_.dependencies().log.error("http.handler_threw", {{"reason", "not an exception"}});
  }
  exchange_->set_inline(false);
  in_handler_ = false;
  return answer_ready_ && flush();
}

// Of who has sent more than one request the kernel knows when the last came, which says nothing.
void Connection::note_wait() {
  const ParsedHead& head = exchange_->head();
  const bool is_alone = head.chunked || exchange_->after_head().size() <= head.content_length;
  if (std::exchange(is_fresh_, false) && is_alone) thread_.note_arrival(stream_.descriptor());
}

// Answers 503, and keeps the connection, if the thread does not take on such work now.
bool Connection::shed() {
  const auto is_essential = thread_.options().is_essential;
  const bool essential = is_essential == nullptr || is_essential(*exchange_);
  if (thread_.admission().takes(essential ? Work::essential : Work::ordinary)) return false;
  ThreadCounters& counters = thread_.counters();
  (essential ? counters.shed_essential : counters.shed_ordinary).add();
  prepare(make_refusal(kShed, exchange_->request_id()));
  return true;
}

void Connection::answered(Response&& response) {
  LK_ASSERT(phase_ == Phase::handling && !answer_ready_);
  answer_ready_ = true;
  prepare(std::move(response));
  if (!in_handler_ && flush()) advance();
}

void Connection::refuse(const Refusal& refusal) {
  thread_.counters().malformed_total.add();
  request_began_ = std::chrono::steady_clock::now();
  const auto id = thread_.ids().next();
  if (id) exchange_->set_request_id(*id);
  close_after_ = true;
  prepare(make_refusal(refusal, id ? exchange_->request_id() : std::string_view{}));
  flush();
}

// Makes the bytes of the answer.
void Connection::prepare(Response&& response) {
  if (!is_sendable(response)) {
    thread_.dependencies().log.error(
        "http.response_invalid",
        {{"id", exchange_->request_id()}, {"status", static_cast<int64_t>(response.status)}});
    response = make_refusal(kFailed, exchange_->request_id());
  }
  close_after_ =
      close_after_ || (!request_was_taken_ && !exchange_->keep_alive()) || thread_.stopping();
  append_head(head_out_, response,
              {close_after_ ? ConnectionUse::close : ConnectionUse::keep,
               stream_.is_encrypted() ? Transport::tls : Transport::plain});
  thread_.counters().responses_by_class[static_cast<size_t>(response.status) / 100].add();
  if (thread_.options().access_log) log_access(response.status, response.body.size());
  if ((request_was_taken_ ? head_only_ : exchange_->head_only()) ||
      !status_has_body(response.status))
    return;
  if (response.body.size() > kCopiedBodyBytesMax) {
    body_out_ = std::move(response.body);
  } else {
    head_out_ += response.body;
    wipe(response.body.data(), response.body.size());
  }
}

void Connection::log_access(int status, uint64_t body_bytes) const {
  const auto duration = std::chrono::steady_clock::now() - request_began_;
  const auto duration_us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  thread_.dependencies().log.info(
      "http.request",
      {{"id", exchange_->request_id()},
       {"method", request_was_taken_ ? taken_method_ : exchange_->method()},
       {"path", loggable_path(request_was_taken_ ? taken_path_ : exchange_->path())},
       {"status", static_cast<int64_t>(status)},
       {"bytes", static_cast<int64_t>(body_bytes)},
       {"duration_us", static_cast<int64_t>(duration_us)},
       {"peer", exchange_->peer_address()}});
}

Stream::Pieces Connection::unwritten() const {
  return {asio::buffer(head_out_) + written_bytes_,
          asio::buffer(body_out_) +
              (written_bytes_ > head_out_.size() ? written_bytes_ - head_out_.size() : 0)};
}

// Writes the answer. True when it is written and the next request may be looked at.
bool Connection::flush() {
  ErrorOfAsio failure;
  const auto buffers = unwritten();
  written_bytes_ += body_out_.empty() ? stream_.write_some(asio::const_buffer(buffers[0]), failure)
                                      : stream_.write_some(buffers, failure);
  if (failure && failure != asio::error::would_block && failure != asio::error::try_again) {
    close();
    return false;
  }
  if (written_bytes_ == head_out_.size() + body_out_.size()) return finish_response();
  // Only who is slow to take an answer has it held here.
  if (!output_share_.resize(body_out_.size())) {
    close();
    return false;
  }
  enter(Phase::writing, thread_.options().limits.write_timeout);
  stream_.async_write(unwritten(),
                      [self = shared_from_this()](const ErrorOfAsio& write_failure, size_t) {
                        self->on_written(write_failure);
                      });
  return false;
}

void Connection::on_written(const ErrorOfAsio& failure) {
  if (phase_ == Phase::closed) return;
  if (failure) return close();
  if (finish_response()) advance();
}

bool Connection::finish_response() {
  wipe_text(head_out_);
  wipe_text(body_out_);
  output_share_.clear();
  written_bytes_ = 0;
  if (close_after_) {
    drain();
    return false;
  }
  has_begun_ = false;
  if (!std::exchange(request_was_taken_, false)) exchange_->finish();
  if (thread_.stopping()) {
    close();
    return false;
  }
  enter(Phase::waiting, thread_.options().limits.idle_timeout);
  return true;
}

void Connection::drain() {
  enter(Phase::draining, kDrainTime);
  stream_.end_sending();
  if (read_pending_) return;
  exchange_->drop_input();
  read();
}

}  // namespace latchkey::http
