// An upstream's answer means the same however it arrives, and what goes on to the client holds one
// message only, framed as it was read.
#include <algorithm>
#include <string>

#include "base/text.h"
#include "http/body_coder.h"
#include "http/head_check.h"
#include "http/relay_text.h"
#include "http/response_head.h"
#include "target.h"

namespace latchkey::http {
namespace {

struct Outcome {
  HeadOutcome head = HeadOutcome::incomplete;
  size_t head_bytes = 0;
  ResponseHead parsed;
};

// What is said of `bytes` as they arrive in pieces of `piece` bytes.
Outcome read_in_pieces(std::string_view bytes, size_t piece, bool is_head_request) {
  Outcome outcome;
  for (size_t end = 0; end < bytes.size() && outcome.head == HeadOutcome::incomplete;) {
    end = std::min(end + piece, bytes.size());
    outcome.head = parse_response_head(bytes.substr(0, end), is_head_request, outcome.parsed,
                                       outcome.head_bytes);
  }
  return outcome;
}

void check_parsed(const ResponseHead& head, bool is_head_request) {
  LK_ASSERT(head.status >= 100 && head.status <= 599);
  LK_ASSERT(head.headers.size() <= kResponseHeadersMax);
  size_t lengths = 0, encodings = 0;
  for (const Header& header : head.headers) {
    LK_ASSERT(is_token(header.name) && is_header_value(header.value));
    lengths += ascii_equal_ignoring_case(header.name, "Content-Length");
    encodings += ascii_equal_ignoring_case(header.name, "Transfer-Encoding");
  }
  LK_ASSERT(lengths + encodings <= 1);
  const bool has_no_body =
      is_head_request || head.status < 200 || head.status == 204 || head.status == 304;
  LK_ASSERT(!has_no_body || head.framing == BodyFraming::none);
  LK_ASSERT(head.framing != BodyFraming::chunked || encodings == 1);
  LK_ASSERT(head.framing != BodyFraming::length || lengths == 1);
  LK_ASSERT(head.framing != BodyFraming::until_close || !head.keep_alive);
}

// Writes the head for a client and reads it as a client would.
void check_passed_on(const ResponseHead& head, bool is_head_request) {
  const bool is_streamed =
      head.framing == BodyFraming::chunked || head.framing == BodyFraming::until_close;
  const auto output = is_streamed ? BodyCoder::Output::chunked : BodyCoder::Output::plain;
  std::string written;
  append_answer_head(written, head, {{ConnectionUse::keep, Transport::plain}, output, {}});
  ResponseHead again;
  size_t head_bytes = 0;
  if (written.size() > kResponseHeadBytesMax) return;
  const HeadOutcome outcome = parse_response_head(written, is_head_request, again, head_bytes);
  LK_ASSERT(outcome == HeadOutcome::whole && head_bytes == written.size());
  LK_ASSERT(again.status == head.status);
  LK_ASSERT(again.framing == (is_streamed ? BodyFraming::chunked : head.framing));
  if (head.framing == BodyFraming::length) LK_ASSERT(again.content_length == head.content_length);
}

// The body as it goes to the client, when it arrives in pieces; what follows it is left out.
std::string code_in_pieces(std::string_view bytes, size_t piece, const ResponseHead& head,
                           bool& is_malformed) {
  BodyCoder coder(head.framing, head.content_length, BodyCoder::Output::plain);
  std::string body;
  for (size_t at = 0; at < bytes.size() && !coder.is_done() && !is_malformed; at += piece) {
    const std::string_view read = bytes.substr(at, piece);
    std::string space(BodyCoder::kRoomBefore + read.size() + BodyCoder::kRoomBehind, '#');
    std::copy(read.begin(), read.end(), space.begin() + BodyCoder::kRoomBefore);
    const auto coded = coder.encode({space.data() + BodyCoder::kRoomBefore, read.size()});
    body += coded.bytes;
    is_malformed = coded.is_malformed;
  }
  return body;
}

}  // namespace
}  // namespace latchkey::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::http;
  std::string_view bytes = latchkey::fuzz::as_text(data, size);
  const uint8_t choice = latchkey::fuzz::take_byte(bytes);
  const bool is_head_request = choice % 2 == 1;
  const size_t piece = 1 + choice / 2 % 64;

  const Outcome whole = read_in_pieces(bytes, bytes.size() + 1, is_head_request);
  const Outcome pieces = read_in_pieces(bytes, piece, is_head_request);
  LK_ASSERT(whole.head == pieces.head);
  if (whole.head != HeadOutcome::whole) return 0;
  LK_ASSERT(whole.head_bytes == pieces.head_bytes && whole.head_bytes <= kResponseHeadBytesMax);
  check_parsed(whole.parsed, is_head_request);
  if (whole.parsed.status < 200) return 0;
  check_passed_on(whole.parsed, is_head_request);

  const std::string_view behind = bytes.substr(whole.head_bytes);
  bool is_malformed = false;
  bool is_malformed_in_pieces = false;
  const std::string body = code_in_pieces(behind, behind.size() + 1, whole.parsed, is_malformed);
  const std::string body_in_pieces =
      code_in_pieces(behind, piece, whole.parsed, is_malformed_in_pieces);
  LK_ASSERT(is_malformed == is_malformed_in_pieces && body == body_in_pieces);
  return 0;
}
