#include "gate/proxy.h"

#include "base/assert.h"
#include "gate/proxy_head.h"

namespace latchkey::gate {

http::ForwardDecision Proxy::decide(const http::Request& head) {
  ProxyDecision decision = policy_.decide(head);
  if (std::holds_alternative<NotProxied>(decision)) return http::LeaveToHandler{};
  if (auto* response = std::get_if<http::Response>(&decision)) return std::move(*response);
  auto& chosen = *std::get_if<ProxyForward>(&decision);
  LK_ASSERT(chosen.upstream != nullptr);
  auto lines = make_upstream_head(head, chosen);
  if (!lines) {
    return http::make_response(500, "application/json; charset=utf-8",
                               R"({"message":"The server failed to answer."})");
  }
  http::Forward forward;
  forward.upstream = chosen.upstream;
  forward.head = *std::move(lines);
  forward.is_upgrade = chosen.allows_upgrade && asks_for_websocket(head);
  forward.body_bytes_max = chosen.body_bytes_max;
  forward.answer_headers = std::move(chosen.answer_headers);
  forward.still_allowed = std::move(chosen.still_allowed);
  return forward;
}

}  // namespace latchkey::gate
