// Requests that are sent on to an upstream and not answered here.
//
// A Forwarder is asked when the head of a request is whole, before any of its body is read. It
// leaves the request to the Handler (which gets it with its body, within the server's limits), or
// answers it, or says where it goes: then its body and the answer stream through bounded buffers.
// The mechanism frames both messages itself and drops hop-by-hop headers of the answer.
// docs/spec/proxy.md. Thread safety: a Forwarder is asked from all network threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "http/message.h"

namespace latchkey::http {

class Upstream;

// Where a request goes.
struct Forward {
  Upstream* upstream = nullptr;
  // The request line and the headers, each line with CR and LF, without those that frame the
  // message (Content-Length, Transfer-Encoding, Connection, Upgrade, Expect) and the empty line.
  std::string head;
  bool is_upgrade = false;  // the client asks for WebSocket, and may have it
  uint64_t body_bytes_max = UINT64_MAX;
  std::vector<std::pair<std::string, std::string>> answer_headers;  // added to the answer's own
  // Asked about once a second while a tunnel is open; false ends it. May be empty.
  std::function<bool()> still_allowed;
};

struct LeaveToHandler {};
using ForwardDecision = std::variant<LeaveToHandler, Response, Forward>;

class Forwarder {
 public:
  virtual ~Forwarder() = default;
  // What becomes of the request with this head; its body() is empty. Runs on a network thread: it
  // must not block.
  virtual ForwardDecision decide(const Request& head) = 0;
};

}  // namespace latchkey::http
