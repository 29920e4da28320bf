// The part of a connection that has its requests forwarded.
#include <exception>
#include <variant>

#include "base/assert.h"
#include "http/connection.h"
#include "http/response_text.h"

namespace latchkey::http {

// Asks what becomes of the request whose head is whole. True when the loop over the input goes on:
// with its body, or with the next request.
bool Connection::decide() {
  if (!begin_request()) return false;
  ForwardDecision decision = make_refusal(kFailed, exchange_->request_id());
  try {
    decision = thread_.dependencies().forwarder->decide(*exchange_);
  } catch (const std::exception& failure) {
    thread_.dependencies().log.error("http.forwarder_threw", {{"reason", failure.what()}});
  }
  if (auto* response = std::get_if<Response>(&decision)) return answer_head(std::move(*response));
  if (auto* forward = std::get_if<Forward>(&decision)) return begin_relay(std::move(*forward));
  return true;
}

// Answers before the body was read. Where it is not there yet, nobody can say where the next
// request begins.
bool Connection::answer_head(Response&& response) {
  phase_ = Phase::handling;
  const ParsedHead& head = exchange_->head();
  const bool is_whole = !head.chunked && exchange_->after_head().size() >= head.content_length;
  close_after_ = close_after_ || !is_whole;
  prepare(std::move(response));
  return flush();
}

// True when it was refused there and then, and the refusal is written.
bool Connection::begin_relay(Forward&& forward) {
  LK_ASSERT(forward.upstream != nullptr);
  phase_ = Phase::relaying;
  answer_ready_ = false;
  in_handler_ = true;
  const auto relay =
      std::make_shared<Relay>(thread_, *this, shared_from_this(), std::move(forward));
  relay_ = relay;
  relay->start();
  in_handler_ = false;
  return answer_ready_ && flush();
}

void Connection::request_taken(size_t body_bytes, std::string_view rest) {
  head_only_ = exchange_->head_only();
  close_after_ = close_after_ || !exchange_->keep_alive();
  if (thread_.options().access_log) {
    taken_method_ = exchange_->method();
    taken_path_ = exchange_->path();
  }
  exchange_->finish_head(body_bytes);
  exchange_->append_input(rest);
  request_was_taken_ = true;
  // Who has sent its next request already is not watched for leaving: to read more would be to hold
  // more.
  if (!exchange_->has_input()) read();
}

void Connection::relay_refused(Response&& response) {
  relay_.reset();
  phase_ = Phase::handling;
  answer_ready_ = true;
  close_after_ = close_after_ || !request_was_taken_;
  prepare(std::move(response));
  if (!in_handler_ && flush()) advance();
}

void Connection::relay_ended(RelayEnd end, int status, uint64_t body_bytes) {
  relay_.reset();
  if (status != 0) {
    thread_.counters().responses_by_class[static_cast<size_t>(status) / 100].add();
    if (thread_.options().access_log) log_access(status, body_bytes);
  }
  switch (end) {
    case RelayEnd::abort: stream_.abort(); return close();
    case RelayEnd::close: return drain();
    case RelayEnd::keep: break;
  }
  if (finish_response()) advance();
}

}  // namespace latchkey::http
