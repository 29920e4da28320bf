// A chunked body means the same however it arrives, and never grows over its limit.
#include <string>

#include "http/request_parser.h"
#include "target.h"

namespace latchkey::http {
namespace {

struct Outcome {
  int status = 0;
  bool done = false;
  size_t consumed_bytes = 0;
  std::string body;
};

// Reads `bytes` as they arrive in pieces of `piece` bytes.
Outcome read_in_pieces(std::string_view bytes, size_t piece, const Limits& limits) {
  constexpr std::string_view kHead =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  RequestParser parser;
  ParsedHead head;
  LK_ASSERT(!parser.parse_head(kHead, limits, head) && head.chunked);
  Outcome outcome;
  for (size_t end = 0; end < bytes.size() && !outcome.done && outcome.status == 0;) {
    end = std::min(end + piece, bytes.size());
    const auto window = bytes.substr(outcome.consumed_bytes, end - outcome.consumed_bytes);
    const ChunkStep step = parser.parse_chunks(window, limits, outcome.body);
    LK_ASSERT(step.consumed_bytes <= window.size());
    LK_ASSERT(outcome.body.size() <= limits.body_bytes_max);
    outcome.consumed_bytes += step.consumed_bytes;
    outcome.status = step.refusal.status;
    outcome.done = step.done;
  }
  return outcome;
}

}  // namespace
}  // namespace latchkey::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::http;
  std::string_view bytes = latchkey::fuzz::as_text(data, size);
  const size_t piece = 1 + latchkey::fuzz::take_byte(bytes) % 64;
  Limits limits;
  limits.body_bytes_max = 512;
  const Outcome whole = read_in_pieces(bytes, bytes.size() + 1, limits);
  const Outcome pieces = read_in_pieces(bytes, piece, limits);
  LK_ASSERT((whole.status != 0) == (pieces.status != 0));
  if (whole.status != 0) return 0;
  LK_ASSERT(whole.done == pieces.done && whole.body == pieces.body);
  if (whole.done) LK_ASSERT(whole.consumed_bytes == pieces.consumed_bytes);
  return 0;
}
