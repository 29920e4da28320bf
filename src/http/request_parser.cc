#include "http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

#include "base/text.h"

namespace latchkey::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using BeastView = beast::string_view;

// A chunk's line with its extensions, and all trailers together, are at most this long.
constexpr size_t kChunkLineBytesMax = 1024;
constexpr size_t kTrailerBytesMax = 8 * 1024;
// The shortest chunked body, "0\r\n\r\n".
constexpr size_t kChunkedBytesMin = 5;

constexpr Refusal kMalformed{400, "The request is not well-formed HTTP."};
constexpr Refusal kBadFraming{400,
                              "The body's length must be told once: by Content-Length, a number, "
                              "or by Transfer-Encoding: chunked."};
constexpr Refusal kBodyTooLarge{413, "The body is too large."};
constexpr Refusal kBadChunk{400, "The chunked body is malformed."};

std::string_view to_std(BeastView text) { return {text.data(), text.size()}; }

// Receives what Beast finds: views into the head, in the order sent.
class HeadParser final : public beast::http::basic_parser<true> {
 public:
  HeadParser(ParsedHead& head, const Limits& limits) : head_(head) {
    header_limit(limits.head_bytes_max + 1);
    body_limit(boost::none);  // the bounds are ours
  }

  bool is_http_11 = false;
  // Whether the chunked body's first chunk was read.
  bool has_begun_chunks = false;
  // What the last put() met in a chunked body.
  bool saw_chunk_line = false;
  std::string_view chunk_data;
  uint64_t chunk_bytes = 0;

 private:
  void on_request_impl(beast::http::verb, BeastView method, BeastView target, int version,
                       error_code&) override {
    is_http_11 = version == 11;
    head_.method = to_std(method);
    const std::string_view whole = to_std(target);
    const size_t question = whole.find('?');
    head_.path = whole.substr(0, question);
    head_.query =
        question == std::string_view::npos ? std::string_view{} : whole.substr(question + 1);
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_field_impl(beast::http::field, BeastView name, BeastView value, error_code&) override {
    if (!is_header_done()) head_.headers.push_back({to_std(name), to_std(value)});
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(BeastView body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t size_bytes, BeastView, error_code&) override {
    saw_chunk_line = has_begun_chunks = true;
    chunk_bytes = size_bytes;
  }
  size_t on_chunk_body_impl(uint64_t, BeastView data, error_code&) override {
    chunk_data = to_std(data);
    return data.size();
  }
  void on_finish_impl(error_code&) override {}

  ParsedHead& head_;
};

// The headers that frame the message, counted.
struct Framing {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  int expectations = 0;
  std::string_view host;
  std::string_view length;
  std::string_view encoding;
  std::string_view expectation;
};

void note(int& count, std::string_view& kept, std::string_view value) {
  ++count;
  kept = value;
}

Framing find_framing(const std::vector<Header>& headers) {
  Framing framing;
  for (const auto& [name, value] : headers) {
    // Most names have another length, so that few are compared.
    if (name.size() == 4 && ascii_equal_ignoring_case(name, "host")) {
      note(framing.hosts, framing.host, value);
    } else if (name.size() == 6 && ascii_equal_ignoring_case(name, "expect")) {
      note(framing.expectations, framing.expectation, value);
    } else if (name.size() == 14 && ascii_equal_ignoring_case(name, "content-length")) {
      note(framing.lengths, framing.length, value);
    } else if (name.size() == 17 && ascii_equal_ignoring_case(name, "transfer-encoding")) {
      note(framing.encodings, framing.encoding, value);
    }
  }
  return framing;
}

Refusal check_hosts(const Framing& framing, bool is_http_11) {
  if (framing.hosts > 1) return {400, "There must be one Host header."};
  if (framing.hosts == 0 && is_http_11) return {400, "The Host header is missing."};
  if (!is_host(framing.host)) return {400, "The Host header is malformed."};
  return {};
}

// Sets how long the body is. RFC 9112 section 6.
Refusal decide_body(const Framing& framing, bool is_http_11, ParsedHead& head) {
  head.chunked = false;
  head.content_length = 0;
  if (framing.encodings > 0) {
    if (framing.lengths > 0) {
      return {400, "Content-Length and Transfer-Encoding exclude each other."};
    }
    if (framing.encodings > 1) return {400, "There must be one Transfer-Encoding header."};
    if (!is_http_11) return {400, "HTTP/1.0 has no Transfer-Encoding."};
    if (!ascii_equal_ignoring_case(framing.encoding, "chunked")) {
      return {501, "Only the transfer encoding chunked is known."};
    }
    head.chunked = true;
    return {};
  }
  if (framing.lengths == 0) return {};
  if (framing.lengths > 1) return {400, "There must be one Content-Length header."};
  // Leading zeros are digits too (RFC 9110 section 8.6), and parse_unsigned takes none.
  std::string_view digits = framing.length;
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  const auto length = parse_unsigned(digits);
  if (!length) return {400, "Content-Length must be a number."};
  head.content_length = *length;
  return {};
}

// The parser looks at the headers that frame the body before we do.
Refusal refuse_head(error_code failure) {
  using boost::beast::http::error;
  const bool is_framing = failure == error::bad_content_length ||
                          failure == error::multiple_content_length ||
                          failure == error::bad_transfer_encoding;
  return is_framing ? kBadFraming : kMalformed;
}

}  // namespace

struct RequestParser::State {
  std::optional<HeadParser> parser;
};

RequestParser::RequestParser() : state_(std::make_unique<State>()) {}
RequestParser::~RequestParser() = default;

Refusal RequestParser::parse_head(std::string_view head, const Limits& limits, ParsedHead& out) {
  out.headers.clear();
  HeadParser& parser = state_->parser.emplace(out, limits);
  error_code failure;
  const size_t consumed = parser.put(boost::asio::const_buffer(head.data(), head.size()), failure);
  if (failure) return refuse_head(failure);
  if (!parser.is_header_done() || consumed != head.size()) return kMalformed;
  const bool is_http_11 = out.is_http_11 = parser.is_http_11;
  const Framing framing = find_framing(out.headers);
  if (const Refusal refusal = check_hosts(framing, is_http_11)) return refusal;
  if (const Refusal refusal = decide_body(framing, is_http_11, out)) return refusal;
  if (parser.chunked() != out.chunked) return kMalformed;

  out.expects_continue = false;
  if (is_http_11 && framing.expectations > 0) {
    if (framing.expectations > 1 ||
        !ascii_equal_ignoring_case(framing.expectation, "100-continue")) {
      return {417, "The only expectation that is known is 100-continue."};
    }
    out.expects_continue = out.chunked || out.content_length > 0;
  }
  out.keep_alive = is_http_11 && parser.keep_alive();
  return {};
}

ChunkStep RequestParser::parse_chunks(std::string_view bytes, const Limits& limits,
                                      std::string& body) {
  HeadParser& parser = *state_->parser;
  ChunkStep step;
  while (!parser.is_done()) {
    const std::string_view rest = bytes.substr(step.consumed_bytes);
    if (rest.empty()) return step;
    // Beast asserts so much when it is asked again about a body whose first chunk is the last.
    if (!parser.has_begun_chunks && rest.size() < kChunkedBytesMin) return step;
    parser.saw_chunk_line = false;
    parser.chunk_data = {};
    error_code failure;
    const size_t used = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), failure);
    const bool incomplete = failure == beast::http::error::need_more;
    if (failure && !incomplete) {
      step.refusal = kBadChunk;
      return step;
    }
    step.consumed_bytes += used;
    if (parser.saw_chunk_line) {
      // The line of a chunk, and with the last one the trailers.
      const size_t line_end = rest.find('\n', 2);
      const bool too_long = line_end > kChunkLineBytesMax || used - line_end > kTrailerBytesMax;
      if (too_long || !are_clean_lines(rest.substr(0, used))) {
        step.refusal = kBadChunk;
        return step;
      }
      if (parser.chunk_bytes > limits.body_bytes_max - body.size()) {
        step.refusal = kBodyTooLarge;
        return step;
      }
    }
    body.append(parser.chunk_data);
    if (incomplete) {
      if (rest.size() - used > kChunkLineBytesMax + kTrailerBytesMax) step.refusal = kBadChunk;
      return step;
    }
  }
  step.done = true;
  return step;
}

}  // namespace latchkey::http
