// The head of a request as its upstream gets it.
//
// Headers of the client go on as they are, but for those that an upstream must hear from us only:
// what belongs to one hop, credentials, identity, forwarding, and what would change method or path.
// Names compare without case, and '_' counts as '-', since many programs cannot tell them apart.
// docs/spec/proxy.md. Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gate/proxy.h"
#include "http/message.h"

namespace latchkey::gate {

// Whether a header of a client called `name` is never sent on. `from_proxy`: the peer is a trusted
// proxy, whose X-Forwarded-* are believed.
bool is_dropped_header(std::string_view name, bool from_proxy);

// `value` of a Cookie header without Latchkey's own cookies; empty if nothing is left.
std::string without_own_cookies(std::string_view value);

// Whether `request` asks for a WebSocket as RFC 6455 section 4.2.1 has it, without a body.
bool asks_for_websocket(const http::Request& request);

// The head without what frames the message (http::Forward::head). Nothing if a header or the target
// of `forward` cannot be sent: that is the policy's bug.
std::optional<std::string> make_upstream_head(const http::Request& request,
                                              const ProxyForward& forward);

}  // namespace latchkey::gate
