// P7: the reverse proxy as a server of one thread, before one upstream. See proxy_http.py.
//
// usage: proxy_http PORT UPSTREAM_URL
// Forwards every request, with the identity headers that a gate sets, until it is ended.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "gate/path.h"
#include "gate/proxy.h"
#include "gate/proxy_target.h"
#include "http/server.h"
#include "http/upstream.h"

namespace {

using namespace latchkey;

// Reads the path as a gate does; who asks is fixed.
class OpenPolicy final : public gate::ProxyPolicy {
 public:
  explicit OpenPolicy(http::Upstream& upstream) : upstream_(upstream) {}
  gate::ProxyDecision decide(const http::Request& request) override {
    gate::PathSegments segments;
    if (!segments.parse(request.path()) || segments.is_too_long()) {
      return http::make_response(400, "text/plain", "bad path");
    }
    gate::ProxyForward forward;
    forward.upstream = &upstream_;
    forward.target = gate::format_proxy_target(segments, request.path(), request.query());
    forward.headers = {{"X-Latchkey-Owner", "ada@example.com"},
                       {"X-Latchkey-Scopes", "vso.code"},
                       {"X-Latchkey-Organization", "fabrikam"},
                       {"X-Latchkey-Token-Id", "00000000-0000-4000-8000-000000000000"}};
    return forward;
  }

 private:
  http::Upstream& upstream_;
};

class NotFound final : public http::Handler {
 public:
  void handle(const http::Request&, http::Reply reply) override {
    reply.send(http::make_response(404, "text/plain", "none"));
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: proxy_http PORT UPSTREAM_URL\n");
    return 2;
  }
  sigset_t ends;  // before there are threads, so that they have it too
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_null_log();
  http::UpstreamOptions upstream_options;
  upstream_options.name = "upstream";
  upstream_options.urls = {argv[2]};
  const auto upstream = http::Upstream::make(upstream_options, clock);
  if (!upstream) {
    std::fprintf(stderr, "%s\n", upstream.error().message.c_str());
    return 2;
  }
  OpenPolicy policy(**upstream);
  gate::Proxy proxy(policy);
  NotFound handler;
  http::ServerOptions options;
  options.endpoint = {"127.0.0.1", static_cast<uint16_t>(std::atoi(argv[1])), ""};
  options.access_log = false;
  const auto server = http::start_server(options, {clock, entropy, *log, handler, nullptr, &proxy});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 2;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  const http::UpstreamCounters seen = (*upstream)->counters();
  std::printf("requests %llu, failures %llu\n",
              static_cast<unsigned long long>(seen.requests_total),
              static_cast<unsigned long long>(seen.broken_total + seen.malformed_total +
                                              seen.timed_out_total + seen.connect_failed_total));
  (*server)->stop(Milliseconds(0));
}
