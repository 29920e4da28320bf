#include "app/gate_service.h"

#include <algorithm>
#include <thread>

#include "gate/forward_auth.h"
#include "gate/gate_policy.h"
#include "http/worker_pool.h"

namespace latchkey::app {
namespace {

constexpr int kWaiters = 8;
constexpr size_t kWaitersQueueMax = 64;

TlsFileOptions tls_options(const Config& config) {
  TlsFileOptions options{config.gate_tls_certificate_file, config.gate_tls_key_file,
                         config.tls_minimum_version, ""};
  options.certificate_setting = "gate.tls_certificate_file";
  options.key_setting = "gate.tls_key_file";
  return options;
}

}  // namespace

// Members in the order that they are made in; stop() ends them in the other.
struct GateService::State {
  State(const GateServiceDependencies& d, std::string public_url)
      : dependencies(d),
        gate({d.verifier, d.catalog, d.usage, d.clock}, {std::move(public_url)}),
        policy(gate, d.verifier, d.clock, d.log),
        proxy(policy),
        files(
            d.config.file, d.catalog,
            [this](auto table) { return policy.publish(std::move(table)); }, d.log),
        waiters(kWaiters, kWaitersQueueMax, &d.log),
        forward_auth(gate, d.verifier, waiters, Milliseconds(d.config.gate_revision_wait_max_ms)) {}

  Result<void> start_listener();

  const GateServiceDependencies dependencies;
  gate::Gate gate;
  gate::GatePolicy policy;
  gate::Proxy proxy;
  GateFiles files;
  http::WorkerPool waiters;
  gate::ForwardAuth forward_auth;
  std::unique_ptr<TlsFiles> tls;  // null: plain HTTP
  std::unique_ptr<http::Server> server;
};

Result<void> GateService::State::start_listener() {
  const Config& config = dependencies.config;
  if (has_gate_tls(config)) {
    tls = std::make_unique<TlsFiles>(tls_options(config), dependencies.clock, dependencies.log);
    LK_CHECK(tls->load());
  }
  http::ServerOptions options;
  options.endpoint = {config.gate_listen_address, config.gate_listen_port, ""};
  options.threads = config.listen_threads == 0
                        ? std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 64)
                        : static_cast<int>(config.listen_threads);
  options.limits = http_limits(config);
  options.access_log = config.log_access;
  LK_TRY(options.trusted_proxies, http::TrustedProxies::parse_list(config.gate_trusted_proxies));
  // What the proxy leaves is the endpoint of forward-auth.
  LK_TRY(server,
         http::start_server(options, {dependencies.clock, dependencies.entropy, dependencies.log,
                                      forward_auth, tls ? &tls->publication() : nullptr, &proxy}));
  return {};
}

Result<std::unique_ptr<GateService>> GateService::start(const GateServiceDependencies& dependencies,
                                                        std::string public_url) {
  auto state = std::make_unique<State>(dependencies, std::move(public_url));
  LK_CHECK(state->files.load());
  if (dependencies.config.gate_enabled) {
    if (state->files.measure().apis == 0) {
      return Error(ErrorCode::configuration,
                   "gate.enabled needs an API: a [[gate.api]] table in the configuration file",
                   "gate.enabled");
    }
    LK_CHECK(state->start_listener());
  }
  return std::make_unique<GateService>(std::move(state));
}

GateService::GateService(std::unique_ptr<State> state) : state_(std::move(state)) {}
GateService::~GateService() { stop(Milliseconds(0)); }

http::Handler* GateService::forward_auth() {
  return state_->files.measure().apis == 0 ? nullptr : &state_->forward_auth;
}

std::string GateService::url() const {
  if (!state_->server) return {};
  std::string url =
      local_url(state_->dependencies.config.gate_listen_address, state_->server->port());
  if (state_->tls) url.replace(0, 4, "https");
  return url;
}

void GateService::poll() {
  state_->files.poll();
  if (state_->tls) state_->tls->poll();
}

void GateService::reload() {
  state_->files.reload();
  if (state_->tls) state_->tls->reload();
}

GateMeasurements GateService::measure() const {
  GateMeasurements m;
  m.decisions = state_->gate.counters();
  m.files = state_->files.measure();
  m.waiting = state_->waiters.queued();
  if (state_->server) m.http = state_->server->counters();
  if (state_->tls) m.tls = state_->tls->measure();
  for (const auto& [api, upstream] : state_->policy.upstreams()) {
    m.upstreams.emplace_back(api, upstream->counters());
  }
  return m;
}

void GateService::stop(Milliseconds grace) {
  if (state_->server) state_->server->stop(grace);
}

}  // namespace latchkey::app
