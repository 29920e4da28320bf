// What the tests of the relay share: a server before an upstream.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/forward.h"
#include "http/scripted_upstream_test_util.h"
#include "http/server_test_util.h"
#include "http/upstream.h"

namespace latchkey::http {

// Forwards what begins with /up, answers 403 to /no, leaves the rest to the handler.
class TestForwarder final : public Forwarder {
 public:
  Upstream* upstream = nullptr;
  std::vector<std::pair<std::string, std::string>> answer_headers;
  std::function<bool()> still_allowed;
  uint64_t body_bytes_max = UINT64_MAX;

  ForwardDecision decide(const Request& head) override {
    if (head.path() == "/no") return make_response(403, "text/plain", "no");
    if (!head.path().starts_with("/up")) return LeaveToHandler{};
    Forward forward;
    forward.upstream = upstream;
    forward.head = std::string(head.method()) + " " + std::string(head.path()) +
                   " HTTP/1.1\r\nHost: upstream\r\n";
    forward.is_upgrade = head.header("Upgrade").has_value();
    forward.body_bytes_max = body_bytes_max;
    forward.answer_headers = answer_headers;
    forward.still_allowed = still_allowed;
    return forward;
  }
};

struct RelaySetting {
  UpstreamOptions upstream;
  ServerOptions server;
};

// Timeouts that a test can wait for.
inline RelaySetting short_times() {
  RelaySetting setting;
  setting.upstream.name = "api";
  setting.upstream.connect_timeout = Milliseconds(300);
  setting.upstream.head_timeout = Milliseconds(300);
  setting.upstream.stall_timeout = Milliseconds(300);
  setting.upstream.tunnel_timeout = Milliseconds(400);
  setting.server.limits.head_timeout = Milliseconds(400);
  return setting;
}

// A server with one upstream, which is `urls`.
class RelayServer {
 public:
  explicit RelayServer(std::vector<std::string> urls, RelaySetting setting = {}) : handler(echo) {
    setting.upstream.urls = std::move(urls);
    auto made = Upstream::make(std::move(setting.upstream), clock);
    LK_ASSERT(made.has_value());
    upstream = *std::move(made);
    forwarder.upstream = upstream.get();
    setting.server.endpoint.address = "127.0.0.1";
    auto started =
        start_server(setting.server, {clock, entropy, log, handler, nullptr, &forwarder});
    LK_ASSERT(started.has_value());
    server = *std::move(started);
  }
  uint16_t port() const { return server->port(); }
  // Waits until `reached`, for at most 3 s.
  static bool soon(const std::function<bool()>& reached) {
    for (int i = 0; i < 3'000 && !reached(); ++i) {
      std::this_thread::sleep_for(Milliseconds(1));
    }
    return reached();
  }

  RecordingLog log;
  SystemClock clock;
  SystemEntropy entropy;
  FunctionHandler handler;
  TestForwarder forwarder;
  std::unique_ptr<Upstream> upstream;
  std::unique_ptr<Server> server;  // ends first: it uses all of the above
};

inline const std::string kGetUp = "GET /up HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace latchkey::http
