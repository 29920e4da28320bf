// One request and the right to answer it: the bytes received, what they mean, where the answer
// goes.
//
// A connection has one Exchange for all its requests, one after the other. While a handler owes an
// answer its Reply shares the Exchange, so the views of a Request stay good even when the
// connection or the whole server is gone. Bytes are read into input(), looked at by parse(), and
// wiped by finish(), since heads hold credentials. No Asio here. Thread safety: the network thread;
// the Request and answer() as in message.h.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "http/client_address.h"
#include "http/memory_budget.h"
#include "http/message.h"
#include "http/request_parser.h"

namespace latchkey::http {

class Exchange;

// The way of an answer back to the network thread that waits for it.
class ReplyRoute {
 public:
  virtual ~ReplyRoute() = default;
  // Has the thread of the connection call exchange->arrive(response), if that thread still runs.
  // From any thread.
  virtual void deliver(std::shared_ptr<Exchange> exchange, Response&& response) = 0;
  // Whether the caller runs on the thread of the connection. From any thread.
  virtual bool is_here() const = 0;
};

// Who waits for the answer: the connection.
class AnswerTarget {
 public:
  virtual ~AnswerTarget() = default;
  virtual void answered(Response&& response) = 0;
};

class Exchange final : public Request,
                       public ReplySink,
                       public std::enable_shared_from_this<Exchange> {
 public:
  enum class Progress { head_incomplete, head_complete, body_incomplete, complete, refused };

  // `limits` outlives the connection; it is not used after detach().
  Exchange(const Limits& limits, AnswerTarget& target, std::shared_ptr<ReplyRoute> route,
           std::shared_ptr<MemoryBudget> memory, std::string peer_address);
  ~Exchange() override;

  // For a server that looks at heads before bodies, or stands behind proxies. `trusted` outlives
  // the connection.
  void set_up(bool stops_at_head, const TrustedProxies& trusted, bool is_encrypted);

  // Free space to read into, at least one byte. REQUIRES: parse() asked for more, or drop_input().
  std::span<char> input();
  // Adds `size_bytes` bytes that were read into input().
  void received(size_t size_bytes) { filled_ += size_bytes; }
  bool has_input() const { return filled_ > 0; }

  // For who takes the body's bytes instead of having them gathered, after head_complete.
  const ParsedHead& head() const { return head_; }
  // What was received behind the head.
  std::string_view after_head() const {
    return {buffer_.get() + head_bytes_, filled_ - head_bytes_};
  }
  // Ends the request: forgets it and `used_bytes` of after_head(), and keeps what followed.
  void finish_head(size_t used_bytes);
  // Adds bytes that were read by others, behind what is there.
  void append_input(std::string_view bytes);

  // Looks at what was received since. head_complete comes once for each request, if set_up() asked
  // for it; parse() goes on to the body then.
  Progress parse();
  const Refusal& refusal() const { return refusal_; }  // REQUIRES: Progress::refused
  // Whether the peer waits for "100 Continue"; true once for each request.
  bool take_continue();
  bool keep_alive() const { return head_.keep_alive; }
  bool head_only() const { return head_.method == "HEAD"; }

  // Sets the id of the request that has just been completed or refused.
  void set_request_id(const Uuid& id);
  // The handler is about to run, or has returned: an answer in between needs no detour.
  void set_inline(bool is_inline) { inline_ = is_inline; }
  // Hands an answer to the connection, if it still waits. On the network thread.
  void arrive(Response&& response);
  // The connection ends: an answer that is still to come goes nowhere.
  void detach() { target_ = nullptr; }
  // Forgets the request and keeps the bytes that followed it.
  void finish();
  // Forgets all bytes.
  void drop_input();

  std::string_view method() const override { return head_.method; }
  std::string_view path() const override { return head_.path; }
  std::string_view query() const override { return head_.query; }
  std::span<const Header> headers() const override { return head_.headers; }
  std::string_view body() const override;
  std::string_view peer_address() const override {
    return client_.is_from_proxy ? client_.address : peer_address_;
  }
  std::string_view socket_address() const override { return peer_address_; }
  bool is_from_proxy() const override { return client_.is_from_proxy; }
  std::string_view forwarded_for() const override { return client_.forwarded_for; }
  bool is_encrypted() const override { return is_encrypted_; }
  std::string_view request_id() const override;

  void answer(Response&& response) override;

 private:
  Progress refuse(const Refusal& refusal);
  Progress parse_body();
  // Makes room for more bytes, if the server's budget allows it.
  bool make_room();
  Progress with_room(Progress progress);
  void resize_buffer(size_t capacity_bytes);
  void reset_request();

  const Limits* limits_;
  const TrustedProxies* trusted_ = nullptr;  // null: nobody is
  bool stops_at_head_ = false;
  bool is_encrypted_ = false;
  AnswerTarget* target_;
  const std::shared_ptr<ReplyRoute> route_;
  const std::string peer_address_;

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t filled_ = 0;      // bytes of the buffer that were received
  size_t head_bytes_ = 0;  // 0 until the head is whole and understood

  HeadCheck check_;
  RequestParser parser_;
  ParsedHead head_;
  ClientAddress client_;
  std::string chunked_body_;
  Refusal refusal_;
  Uuid id_;
  mutable std::array<char, 36> id_text_{};  // written when first asked for
  bool inline_ = false;
  MemoryShare buffer_share_;
  MemoryShare chunked_share_;
};

}  // namespace latchkey::http
