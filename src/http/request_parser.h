// The meaning of a request's head, and its chunked body, over Beast's parser.
//
// Takes a whole head that HeadCheck has passed, in place: every view of ParsedHead points into it.
// What two hops could frame differently is refused here (Content-Length beside Transfer-Encoding,
// repeated Host, ...). Beast stays in the .cc file. RFC 9112, docs/spec/http.md.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/head_check.h"
#include "http/message.h"

namespace latchkey::http {

struct ParsedHead {
  std::string_view method;
  std::string_view path;
  std::string_view query;
  std::vector<Header> headers;  // keeps its memory from request to request
  bool is_http_11 = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool chunked = false;
  uint64_t content_length = 0;  // 0 when chunked or absent; not held against body_bytes_max
};

// What a piece of a chunked body came to.
struct ChunkStep {
  Refusal refusal;
  size_t consumed_bytes = 0;  // of the given bytes
  bool done = false;          // the body and its trailers are whole
};

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();

  // Reads `head`, of head_bytes() bytes, into `out`. Starts a new request.
  Refusal parse_head(std::string_view head, const Limits& limits, ParsedHead& out);
  // Reads on in a chunked body and appends its data to `body`, which never holds more than
  // body_bytes_max bytes. What is not consumed must be given again, with more behind it.
  // REQUIRES: the last head was chunked.
  ChunkStep parse_chunks(std::string_view bytes, const Limits& limits, std::string& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::http
