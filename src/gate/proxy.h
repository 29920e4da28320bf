// The reverse proxy: which requests go to which upstream, and what they say there.
//
// A ProxyPolicy decides from the head of a request; what it lets through is sent on with a head
// that says what was decided and nothing that the client only claims: hop-by-hop headers, the
// credential, our own identity headers and headers that would change method or path are dropped,
// Forwarded and X-Forwarded-* are written anew. docs/spec/proxy.md.
// Thread safety: any thread, if the policy is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/forward.h"
#include "http/message.h"

namespace latchkey::gate {

// What Host the upstream sees.
enum class HostHeader {
  of_upstream,  // that of its own URL
  of_client     // the one that the client sent
};

// Where a request goes and with what.
struct ProxyForward {
  http::Upstream* upstream = nullptr;
  // The path and query to send: format_proxy_target() of what was guarded.
  std::string target;
  HostHeader host = HostHeader::of_upstream;
  // Set on the request; headers of the client with these names are dropped. Values hold no control
  // character: one that does makes the answer 500.
  std::vector<std::pair<std::string, std::string>> headers;
  // Set on the answer, beside what the upstream says (CORS).
  std::vector<std::pair<std::string, std::string>> answer_headers;
  uint64_t body_bytes_max = UINT64_MAX;
  bool allows_upgrade = true;  // to WebSocket
  // Asked about once a second while a tunnel is open: false closes it. May be empty. It outlives
  // the request, so it holds no view of it.
  std::function<bool()> still_allowed;
};

// The request is none of the proxy's: the server's own handler answers it.
struct NotProxied {};
using ProxyDecision = std::variant<NotProxied, http::Response, ProxyForward>;

class ProxyPolicy {
 public:
  virtual ~ProxyPolicy() = default;
  // Decides from the head of a request; body() is empty. request.peer_address() is the client's
  // address: with trusted proxies, the one that they name. Runs on a network thread: it must not
  // block.
  virtual ProxyDecision decide(const http::Request& request) = 0;
};

// The forwarder of a policy: give it to http::ServerDependencies::forwarder.
class Proxy final : public http::Forwarder {
 public:
  explicit Proxy(ProxyPolicy& policy) : policy_(policy) {}
  http::ForwardDecision decide(const http::Request& head) override;

 private:
  ProxyPolicy& policy_;
};

}  // namespace latchkey::gate
