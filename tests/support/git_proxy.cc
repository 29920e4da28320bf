// A gate for git and nothing else: the real proxy with a real index, fed by a server.
//
// `git_proxy SERVER_URL CREDENTIAL_FILE UPSTREAM_URL` prints the port that it listens on. The first
// segment of a path is the organization; pushing takes vso.code_write, all else vso.code. For
// tests/e2e/test_proxy.py. Thread safety: as of its parts.
#include <iostream>
#include <string>
#include <thread>

#include "gate/credential.h"
#include "gate/path.h"
#include "gate/proxy.h"
#include "gate/proxy_target.h"
#include "gate/refusal.h"
#include "http/server.h"
#include "http/upstream.h"
#include "verify/remote_verifier.h"

namespace latchkey {
namespace {

class GitPolicy final : public gate::ProxyPolicy {
 public:
  GitPolicy(const verify::RemoteVerifier& remote, http::Upstream& upstream, Clock& clock)
      : remote_(remote), upstream_(upstream), clock_(clock) {}

  gate::ProxyDecision decide(const http::Request& request) override {
    gate::PathSegments path;
    auto decided = decide(request, path);
    if (!decided) {
      gate::RefusalScene scene;
      scene.realm = "git";
      return gate::refusal_response(decided.error(), scene);
    }
    gate::ProxyForward forward;
    forward.upstream = &upstream_;
    forward.target = gate::format_proxy_target(path, request.path(), request.query());
    forward.headers = {{"X-Latchkey-Organization", std::string(path[0])}};
    return forward;
  }

 private:
  Result<void> decide(const http::Request& request, gate::PathSegments& path) {
    LK_CHECK(path.parse(request.path()));
    if (path.size() == 0 || path.is_too_long()) return Error(ErrorCode::route_unknown);
    gate::Credential credential;
    LK_CHECK(credential.read(request));
    if (credential.kind() == gate::CredentialKind::none) {
      return Error(ErrorCode::credential_missing);
    }
    const bool pushes = path[path.size() - 1] == "git-receive-pack" ||
                        request.query() == "service=git-receive-pack";
    const auto organization = remote_.verifier().find_organization(path[0]);
    if (!organization) return Error(ErrorCode::token_wrong_organization);
    const auto checked = remote_.verifier().check(
        credential.secret(), organization, requirement(pushes), {clock_.now(), clock_.ticks()});
    if (!checked) return checked.error();
    return {};
  }
  verify::ScopeRequirement requirement(bool pushes) const {
    const core::Scope* const scope = remote_.catalog().find(pushes ? "vso.code_write" : "vso.code");
    core::ScopeSet needed;
    needed.add(scope->number);
    return verify::ScopeRequirement({needed});
  }

  const verify::RemoteVerifier& remote_;
  http::Upstream& upstream_;
  Clock& clock_;
};

class NotFound final : public http::Handler {
 public:
  void handle(const http::Request&, http::Reply reply) override {
    reply.send(http::make_response(404, "text/plain", "none"));
  }
};

int run(const char* server_url, const char* credential_file, const char* upstream_url) {
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_log(LogFormat::text, LogLevel::warning);
  verify::RemoteOptions remote_options;
  remote_options.server.url = server_url;
  remote_options.server.credential_file = credential_file;
  auto remote = verify::RemoteVerifier::connect(remote_options, clock);
  if (!remote || !(*remote)->load()) return 1;
  std::jthread follower([&](std::stop_token stop) { (void)(*remote)->follow(stop); });
  http::UpstreamOptions options;
  options.name = "upstream";
  options.urls = {upstream_url};
  auto upstream = http::Upstream::make(options, clock);
  if (!upstream) return 1;
  GitPolicy policy(**remote, **upstream, clock);
  gate::Proxy proxy(policy);
  NotFound handler;
  http::ServerOptions server_options;
  server_options.endpoint.address = "127.0.0.1";
  server_options.threads = 2;
  server_options.access_log = false;
  auto server =
      http::start_server(server_options, {clock, entropy, *log, handler, nullptr, &proxy});
  if (!server) return 1;
  std::cout << (*server)->port() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  (*server)->stop(Milliseconds(0));
  return 0;
}

}  // namespace
}  // namespace latchkey

int main(int argc, char** argv) { return argc == 4 ? latchkey::run(argv[1], argv[2], argv[3]) : 2; }
