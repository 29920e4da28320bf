#include "http/exchange.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/secret.h"

namespace latchkey::http {
namespace {

// What a quiet connection costs, and what one keeps after a large request.
constexpr size_t kBufferBytesMin = 4 * 1024;
constexpr size_t kBufferBytesKept = 64 * 1024;
// Room for the framing of a chunked body beyond its head; data leaves the buffer at once.
constexpr size_t kChunkedRoomBytes = 16 * 1024;
constexpr Refusal kBodyTooLarge{413, "The body is too large."};
constexpr Refusal kNoMemory{503, "The server holds too many requests; try again in a moment.",
                            kServerBusy};

std::string_view moved(std::string_view view, const char* from, const char* to) {
  return view.data() ? std::string_view(to + (view.data() - from), view.size()) : view;
}

}  // namespace

Exchange::Exchange(const Limits& limits, AnswerTarget& target, std::shared_ptr<ReplyRoute> route,
                   std::shared_ptr<MemoryBudget> memory, std::string peer_address)
    : limits_(&limits),
      target_(&target),
      route_(std::move(route)),
      peer_address_(std::move(peer_address)),
      buffer_share_(memory),
      chunked_share_(memory) {}

Exchange::~Exchange() { drop_input(); }

void Exchange::set_up(bool stops_at_head, const TrustedProxies& trusted, bool is_encrypted) {
  stops_at_head_ = stops_at_head;
  is_encrypted_ = is_encrypted;
  trusted_ = trusted.contains(std::string_view(peer_address_)) ? &trusted : nullptr;
}

std::span<char> Exchange::input() {
  if (!buffer_) resize_buffer(std::min(kBufferBytesMin, limits_->head_bytes_max + size_t{1}));
  LK_ASSERT(filled_ < capacity_);
  return {buffer_.get() + filled_, capacity_ - filled_};
}

bool Exchange::make_room() {
  if (filled_ < capacity_) return true;
  size_t capacity_max = limits_->head_bytes_max + size_t{1};
  if (head_bytes_ > 0) {
    capacity_max = head_bytes_ + (head_.chunked ? kChunkedRoomBytes : head_.content_length);
  }
  LK_ASSERT(capacity_max > filled_);
  // Doubling, and not what Content-Length promises: who wants memory here has to send bytes.
  const size_t wanted = std::min(std::max(capacity_ * 2, kBufferBytesMin), capacity_max);
  if (wanted > kBufferBytesMin && !buffer_share_.resize(wanted - kBufferBytesMin)) return false;
  resize_buffer(wanted);
  return true;
}

void Exchange::resize_buffer(size_t capacity_bytes) {
  LK_ASSERT(capacity_bytes >= filled_);
  auto larger = std::make_unique_for_overwrite<char[]>(capacity_bytes);
  if (buffer_) {
    std::memcpy(larger.get(), buffer_.get(), filled_);
    wipe(buffer_.get(), filled_);
  }
  if (head_bytes_ > 0) {
    const char* const from = buffer_.get();
    for (std::string_view* view : {&head_.method, &head_.path, &head_.query}) {
      *view = moved(*view, from, larger.get());
    }
    for (Header& header : head_.headers) {
      header.name = moved(header.name, from, larger.get());
      header.value = moved(header.value, from, larger.get());
    }
  }
  buffer_ = std::move(larger);
  capacity_ = capacity_bytes;
}

Exchange::Progress Exchange::parse() {
  if (head_bytes_ == 0) {
    const std::string_view received(buffer_.get(), filled_);
    if (const Refusal refusal = check_.advance(received, *limits_)) return refuse(refusal);
    if (check_.head_bytes() == 0) return with_room(Progress::head_incomplete);
    const std::string_view head = received.substr(0, check_.head_bytes());
    if (const Refusal refusal = parser_.parse_head(head, *limits_, head_)) return refuse(refusal);
    head_bytes_ = head.size();
    if (trusted_) client_ = find_client(peer_address_, head_.headers, *trusted_);
    if (stops_at_head_) return Progress::head_complete;
  }
  return parse_body();
}

Exchange::Progress Exchange::parse_body() {
  if (!head_.chunked) {
    if (head_.content_length > limits_->body_bytes_max) return refuse(kBodyTooLarge);
    const bool whole = filled_ - head_bytes_ >= head_.content_length;
    return whole ? Progress::complete : with_room(Progress::body_incomplete);
  }
  const std::string_view bytes(buffer_.get() + head_bytes_, filled_ - head_bytes_);
  const ChunkStep step = parser_.parse_chunks(bytes, *limits_, chunked_body_);
  if (step.refusal) return refuse(step.refusal);
  char* const rest = buffer_.get() + head_bytes_;
  std::memmove(rest, rest + step.consumed_bytes, bytes.size() - step.consumed_bytes);
  filled_ -= step.consumed_bytes;
  wipe(buffer_.get() + filled_, step.consumed_bytes);
  if (!chunked_share_.resize(chunked_body_.capacity())) return refuse(kNoMemory);
  return step.done ? Progress::complete : with_room(Progress::body_incomplete);
}

Exchange::Progress Exchange::with_room(Progress progress) {
  return make_room() ? progress : refuse(kNoMemory);
}

Exchange::Progress Exchange::refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return Progress::refused;
}

bool Exchange::take_continue() {
  return head_bytes_ > 0 && std::exchange(head_.expects_continue, false);
}

void Exchange::set_request_id(const Uuid& id) {
  id_ = id;
  id_text_[0] = '\0';
}

std::string_view Exchange::request_id() const {
  if (id_text_[0] == '\0') {
    static constexpr char kDigits[] = "0123456789abcdef";
    size_t position = 0;
    for (size_t i = 0; i < id_.bytes.size(); ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) id_text_[position++] = '-';
      id_text_[position++] = kDigits[id_.bytes[i] >> 4];
      id_text_[position++] = kDigits[id_.bytes[i] & 15];
    }
  }
  return {id_text_.data(), id_text_.size()};
}

std::string_view Exchange::body() const {
  if (head_.chunked) return chunked_body_;
  if (head_bytes_ == 0) return {};
  return {buffer_.get() + head_bytes_, static_cast<size_t>(head_.content_length)};
}

void Exchange::answer(Response&& response) {
  if (route_->is_here() && inline_) {
    arrive(std::move(response));
  } else {
    route_->deliver(shared_from_this(), std::move(response));
  }
}

void Exchange::arrive(Response&& response) {
  if (target_) target_->answered(std::move(response));
}

void Exchange::reset_request() {
  check_.reset();
  head_bytes_ = 0;
  head_.method = head_.path = head_.query = {};
  head_.headers.clear();
  head_.chunked = head_.keep_alive = head_.expects_continue = false;
  head_.content_length = 0;
  client_.is_from_proxy = false;
  wipe(chunked_body_.data(), chunked_body_.size());
  chunked_body_.clear();
  if (chunked_body_.capacity() > kBufferBytesKept || chunked_share_.budget().is_short()) {
    std::string().swap(chunked_body_);
    chunked_share_.clear();
  }
}

void Exchange::finish() { finish_head(static_cast<size_t>(head_.content_length)); }

void Exchange::finish_head(size_t used_bytes) {
  const size_t used = head_bytes_ + used_bytes;
  LK_ASSERT(used <= filled_);
  const size_t left = filled_ - used;
  reset_request();
  std::memmove(buffer_.get(), buffer_.get() + used, left);
  wipe(buffer_.get() + left, used);
  filled_ = left;
  const bool is_large = capacity_ > kBufferBytesMin && filled_ <= kBufferBytesMin;
  if (is_large && (capacity_ > kBufferBytesKept || buffer_share_.budget().is_short())) {
    resize_buffer(kBufferBytesMin);
    buffer_share_.clear();
  }
}

void Exchange::append_input(std::string_view bytes) {
  if (bytes.empty()) return;
  if (filled_ + bytes.size() >= capacity_) resize_buffer(filled_ + bytes.size() + 1);
  std::memcpy(buffer_.get() + filled_, bytes.data(), bytes.size());
  filled_ += bytes.size();
}

void Exchange::drop_input() {
  reset_request();
  if (buffer_) wipe(buffer_.get(), filled_);
  filled_ = 0;
}

}  // namespace latchkey::http
