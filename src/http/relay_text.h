// The head of an upstream's answer as the client gets it.
//
// End-to-end headers go on as they are; hop-by-hop ones and what they name are dropped, and the
// message is framed by us. docs/spec/proxy.md. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/body_coder.h"
#include "http/response_head.h"
#include "http/response_text.h"

namespace latchkey::http {

struct AnswerHead {
  Delivery delivery;
  BodyCoder::Output output = BodyCoder::Output::plain;
  // Added to the answer; what the upstream sent under these names is dropped, but for Vary.
  const std::vector<std::pair<std::string, std::string>>& headers;
};

void append_answer_head(std::string& out, const ResponseHead& head, const AnswerHead& how);
// "HTTP/1.1 101 Switching Protocols" with the upstream's headers and the upgrade to WebSocket.
void append_upgrade_head(std::string& out, const ResponseHead& head);

}  // namespace latchkey::http
