// What an upstream's answer begins with, read strictly.
//
// An upstream may be broken or hostile: a head that two readers could frame in two ways is refused
// (Content-Length beside Transfer-Encoding, either of them twice, folded lines, bare LF, NUL, a
// transfer encoding that is not chunked). Views point into the given bytes.
// RFC 9112 sections 4, 6 and 9.3; docs/spec/proxy.md. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace latchkey::http {

inline constexpr size_t kResponseHeadBytesMax = 32 * 1024;
inline constexpr size_t kResponseHeadersMax = 200;

// How the end of a body is known.
enum class BodyFraming { none, length, chunked, until_close };

struct ResponseHead {
  int status = 0;  // 100 to 599
  std::vector<Header> headers;
  BodyFraming framing = BodyFraming::none;
  // With BodyFraming::length; also what an answer without a body says of one (HEAD, 304).
  uint64_t content_length = 0;
  bool has_length = false;
  bool keep_alive = false;
  bool is_websocket = false;  // 101 to WebSocket
};

enum class HeadOutcome { whole, incomplete, malformed };

// Reads the head that `bytes` begin with into `out`; `head_bytes` becomes its size when whole.
// `is_head_request`: the request was HEAD, so no body follows.
HeadOutcome parse_response_head(std::string_view bytes, bool is_head_request, ResponseHead& out,
                                size_t& head_bytes);

}  // namespace latchkey::http
