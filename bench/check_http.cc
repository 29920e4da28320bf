// P1: a forward-auth check over HTTP among ten million tokens.
//
// One network thread whose handler reads the credential, matches the route, checks the token and
// answers an empty 200 with the headers that a proxy passes on. check_http.py loads it and nginx.
// usage: check_http PORT TOKENS SAMPLE_FILE (one "organization token" a line, written before
// "ready")
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/scope.h"
#include "gate/credential.h"
#include "gate/route_table.h"
#include "http/server.h"
#include "population.h"
#include "verify/verifier.h"

namespace latchkey::bench {
namespace {

class ForwardAuth final : public http::Handler {
 public:
  ForwardAuth(const verify::Verifier& verifier, const gate::RouteTable& routes, Clock& clock)
      : verifier_(verifier), routes_(routes), clock_(clock), required_(make_requirement()) {}

  void handle(const http::Request& request, http::Reply reply) override {
    reply.send(decide(request));
  }

 private:
  static verify::ScopeRequirement make_requirement() {
    core::ScopeSet scopes;
    scopes.add({0});
    return verify::ScopeRequirement({scopes});
  }

  http::Response decide(const http::Request& request) const {
    gate::Credential credential;
    if (!credential.read(request) || credential.secret().empty()) return {401, {}, {}};
    const auto route = routes_.match(request.method(), request.path());
    if (!route) return {404, {}, {}};
    const auto organization = verifier_.find_organization(route->parameter("organization"));
    if (!organization) return {404, {}, {}};
    const auto grant = verifier_.check(credential.secret(), organization, required_,
                                       {clock_.now(), clock_.ticks()});
    if (!grant) return {grant.error().code == ErrorCode::scope_missing ? 403 : 401, {}, {}};
    http::Response response;
    response.add_header("X-Latchkey-Token", core::format_id(grant->token()));
    response.add_header("X-Latchkey-Person", core::format_id(grant->owner()));
    return response;
  }

  const verify::Verifier& verifier_;
  const gate::RouteTable& routes_;
  Clock& clock_;
  const verify::ScopeRequirement required_;
};

gate::RouteTable make_routes() {
  std::vector<gate::Operation> operations;
  for (const char* resource : {"projects", "teams", "builds", "repositories", "pipelines"}) {
    const std::string path = std::string("/{organization}/_apis/") + resource;
    operations.push_back({resource, "GET", path, {}, false});
    operations.push_back({std::string(resource) + "One", "GET", path + "/{id}", {}, false});
  }
  return *gate::RouteTable::build(operations);
}

int run(uint16_t port, uint64_t tokens, const char* sample_file) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the threads, which inherit it

  PopulationSize size;
  size.tokens = tokens;
  size.sampled = std::min<uint64_t>(tokens, 100'000);
  Population population(size);
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_null_log();
  verify::Verifier verifier(population.keys(), population.provider(), clock, {});
  if (!verifier.load(population)) return 1;
  std::jthread follower([&](std::stop_token stop) { (void)verifier.follow(population, stop); });
  {
    std::ofstream file(sample_file);
    for (const auto& sample : population.samples()) {
      file << population.organization_name(sample.number) << ' ' << sample.text << '\n';
    }
  }
  const gate::RouteTable routes = make_routes();
  ForwardAuth handler(verifier, routes, clock);
  http::ServerOptions options;
  options.endpoint = {"127.0.0.1", port, ""};
  options.access_log = false;
  auto server = http::start_server(options, {clock, entropy, *log, handler});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  (*server)->stop(Milliseconds(1'000));
  return 0;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: check_http PORT TOKENS SAMPLE_FILE\n");
    return 2;
  }
  return latchkey::bench::run(static_cast<uint16_t>(std::atoi(argv[1])),
                              std::strtoull(argv[2], nullptr, 10), argv[3]);
}
