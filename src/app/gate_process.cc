#include "app/gate_process.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "app/gate_service.h"
#include "app/operations.h"
#include "app/version.h"
#include "base/mutex.h"
#include "base/one_way_clock.h"
#include "gate/usage_report.h"
#include "http/server.h"
#include "verify/remote_verifier.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kReportInterval{5'000};

}  // namespace

// Members in the order that they are made in; stop() ends them in the other.
struct GateProcess::State {
  State(const Config& c, Log& l) : config(c), log(l) {}

  Result<void> start_operations();
  Result<void> connect();
  Measurements measure() const;
  void follow(std::stop_token stop);
  void report(std::stop_token stop);
  void stop(Milliseconds grace);

  Config config;
  Log& log;
  SystemClock system_clock;
  OneWayClock clock{system_clock};
  SystemEntropy entropy;
  const int64_t started_at_ms = clock.now().ms;
  gate::UsageRecorder usage;
  std::unique_ptr<verify::RemoteVerifier> remote;
  std::unique_ptr<GateService> service;
  std::unique_ptr<OperationsHandler> operations;
  std::unique_ptr<http::Server> operations_server;
  std::atomic<bool> is_serving{false};  // `remote` and `service` are there
  mutable Mutex mutex;
  std::optional<Error> failure LK_GUARDED_BY(mutex);
  std::jthread follower;
  std::optional<gate::UsageReporter> usage_reporter;
  std::jthread reporter;
};

Result<void> GateProcess::State::start_operations() {
  operations = std::make_unique<OperationsHandler>([this] { return measure(); });
  http::ServerOptions options;
  options.endpoint = {config.operations_address, config.operations_port, ""};
  options.limits.connections_max = 256;
  options.access_log = false;
  LK_TRY(operations_server, http::start_server(options, {clock, entropy, log, *operations}));
  return {};
}

Result<void> GateProcess::State::connect() {
  if (is_serving) return {};
  verify::RemoteOptions options;
  options.server = {config.gate_server, config.gate_ca_file, config.gate_credential_file};
  service.reset();
  LK_TRY(remote, verify::RemoteVerifier::connect(options, clock));
  LK_CHECK(remote->load());
  const std::string tokens_url = config.public_url.empty() ? config.gate_server : config.public_url;
  LK_TRY(service, GateService::start(
                      {config, remote->verifier(), remote->catalog(), usage, clock, entropy, log},
                      tokens_url));
  LK_TRY(auto opened, gate::UsageReporter::open(options.server, usage, clock, entropy));
  usage_reporter.emplace(std::move(opened));
  follower = std::jthread([this](std::stop_token token) { follow(token); });
  reporter = std::jthread([this](std::stop_token token) { report(token); });
  is_serving = true;
  const auto status = remote->verifier().status();
  log.info("gate.ready", {{"version", kVersion},
                          {"url", service->url()},
                          {"server", config.gate_server},
                          {"tokens", static_cast<int64_t>(status.tokens)},
                          {"epoch", core::format_id(status.epoch)},
                          {"revision", static_cast<int64_t>(status.revision.number)}});
  return {};
}

// Returns only when asked to, or when the index must not go on: then it grows stale and refuses.
void GateProcess::State::follow(std::stop_token token) {
  auto followed = remote->follow(token);
  if (followed || token.stop_requested()) return;
  log.error("index.ended",
            {{"code", error_name(followed.error().code)}, {"message", followed.error().message}});
  MutexLock lock(mutex);
  failure = std::move(followed).error();
}

// Tells the server how tokens were used, and once more at the end. What it cannot tell it keeps
// within the recorder's bounds.
void GateProcess::State::report(std::stop_token token) {
  std::condition_variable_any woken;
  std::mutex pause;  // guards nothing
  bool is_told = true;
  while (true) {
    const bool is_last = token.stop_requested();
    const auto reported = usage_reporter->step();
    if (!reported && is_told) {
      log.warning("usage.report_failed", {{"code", error_name(reported.error().code)},
                                          {"message", reported.error().message}});
    }
    is_told = reported.has_value();
    if (is_last) return;
    std::unique_lock<std::mutex> lock(pause);
    woken.wait_for(lock, token, kReportInterval, [] { return false; });
  }
}

Measurements GateProcess::State::measure() const {
  Measurements m;
  m.has_store = false;
  m.is_serving = is_serving;
  m.started_at_ms = started_at_ms;
  m.process = measure_process();
  m.usage_dropped = usage.dropped();
  if (!m.is_serving) return m;  // the rest is being made, or ended
  m.index = remote->verifier().status();
  m.staleness_max = remote->staleness_max();
  m.gate = service->measure();
  if (m.gate->http) m.http = *m.gate->http;
  m.tls = m.gate->tls;
  return m;
}

void GateProcess::State::stop(Milliseconds grace) {
  const bool was_serving = is_serving.exchange(false);
  if (was_serving) log.info("gate.stopping");
  // The listener of health and metrics looks at the rest, so it ends first.
  if (operations_server) operations_server->stop(Milliseconds(100));
  if (service) service->stop(grace);
  reporter = {};
  follower = {};
  if (was_serving) log.info("gate.stopped");
}

Result<std::unique_ptr<GateProcess>> GateProcess::start(const Config& config, Log& log) {
  auto state = std::make_unique<State>(config, log);
  state->config.gate_enabled = true;
  if (config.gate_server.empty()) {
    return Error(ErrorCode::configuration, "gate.server must be given", "gate.server");
  }
  if (config.gate_credential_file.empty()) {
    return Error(ErrorCode::configuration, "gate.credential_file must be given",
                 "gate.credential_file");
  }
  LK_CHECK(state->start_operations());
  return std::make_unique<GateProcess>(std::move(state));
}

GateProcess::GateProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
GateProcess::~GateProcess() { stop(Milliseconds(0)); }
Result<void> GateProcess::connect() { return state_->connect(); }
bool GateProcess::is_connected() const { return state_->is_serving; }
std::optional<Error> GateProcess::failure() const {
  MutexLock lock(state_->mutex);
  return state_->failure;
}
std::string GateProcess::url() const {
  return state_->service ? state_->service->url() : std::string();
}
std::string GateProcess::operations_url() const {
  return local_url(state_->config.operations_address, state_->operations_server->port());
}
void GateProcess::poll() {
  if (state_->is_serving) state_->service->poll();
}
void GateProcess::reload() {
  if (state_->is_serving) state_->service->reload();
}
void GateProcess::stop(Milliseconds grace) { state_->stop(grace); }

}  // namespace latchkey::app
