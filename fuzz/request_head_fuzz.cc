// A head means the same however it arrives, and what is passed on holds nothing that two readers
// could read in two ways.
#include <string>

#include "base/text.h"
#include "http/request_parser.h"
#include "target.h"

namespace latchkey::http {
namespace {

Limits small_limits() {
  Limits limits;
  limits.head_bytes_max = 2048;
  limits.headers_max = 12;
  limits.target_bytes_max = 256;
  limits.body_bytes_max = 4096;
  return limits;
}

struct Outcome {
  bool refused = false;
  size_t head_bytes = 0;
};

// What HeadCheck says when `bytes` arrive in pieces of `piece` bytes.
Outcome check_in_pieces(std::string_view bytes, size_t piece, const Limits& limits) {
  HeadCheck check;
  for (size_t end = 0; end < bytes.size();) {
    end = std::min(end + piece, bytes.size());
    if (check.advance(bytes.substr(0, end), limits)) return {true, 0};
    if (check.head_bytes() != 0) break;
  }
  return {false, check.head_bytes()};
}

bool is_inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_parsed(const ParsedHead& parsed, std::string_view head, const Limits& limits) {
  LK_ASSERT(is_token(parsed.method) && is_inside(parsed.method, head));
  LK_ASSERT(parsed.path.starts_with('/') && is_inside(parsed.path, head));
  LK_ASSERT(is_inside(parsed.query, head));
  LK_ASSERT(parsed.path.find_first_of(" ?#\r\n\t") == parsed.path.npos);
  LK_ASSERT(parsed.query.find_first_of(" #\r\n\t") == parsed.query.npos);
  LK_ASSERT(parsed.headers.size() <= limits.headers_max);
  size_t hosts = 0, lengths = 0, encodings = 0;
  for (const Header& header : parsed.headers) {
    LK_ASSERT(is_token(header.name) && is_inside(header.name, head));
    LK_ASSERT(is_header_value(header.value) && is_inside(header.value, head));
    LK_ASSERT(trim(header.value) == header.value);
    hosts += ascii_equal_ignoring_case(header.name, "Host");
    lengths += ascii_equal_ignoring_case(header.name, "Content-Length");
    encodings += ascii_equal_ignoring_case(header.name, "Transfer-Encoding");
  }
  LK_ASSERT(hosts <= 1 && lengths + encodings <= 1);
  LK_ASSERT(parsed.chunked == (encodings == 1));
  LK_ASSERT(lengths == 1 || parsed.content_length == 0);
}

}  // namespace
}  // namespace latchkey::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::http;
  std::string_view bytes = latchkey::fuzz::as_text(data, size);
  const size_t piece = 1 + latchkey::fuzz::take_byte(bytes) % 64;
  static const Limits limits = small_limits();

  const Outcome whole = check_in_pieces(bytes, bytes.size() + 1, limits);
  const Outcome pieces = check_in_pieces(bytes, piece, limits);
  LK_ASSERT(whole.refused == pieces.refused);
  LK_ASSERT(whole.head_bytes == pieces.head_bytes);
  if (whole.refused || whole.head_bytes == 0) return 0;
  LK_ASSERT(whole.head_bytes <= limits.head_bytes_max);

  const std::string_view head = bytes.substr(0, whole.head_bytes);
  RequestParser parser;
  ParsedHead parsed;
  const Refusal refusal = parser.parse_head(head, limits, parsed);
  if (refusal) {
    LK_ASSERT(refusal.status >= 400 && refusal.status < 600);
  } else {
    check_parsed(parsed, head, limits);
  }
  return 0;
}
