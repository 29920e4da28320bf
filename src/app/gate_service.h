// The gate as it runs in a process: its APIs from files, its endpoint for proxies, its listener.
//
// `latchkey serve` with a [gate] section and `latchkey gate` have one each; they differ in where
// the index comes from. Thread safety: start(), poll(), reload(), stop() and the destructor from
// one thread; the rest from any. Documented in docs/operating/gate.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/gate_files.h"
#include "app/tls_files.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "gate/gate.h"
#include "http/server.h"
#include "http/upstream.h"

namespace latchkey::app {

struct GateServiceDependencies {
  const Config& config;
  const verify::Verifier& verifier;
  const core::ScopeCatalog& catalog;
  gate::UsageSink& usage;
  Clock& clock;
  Entropy& entropy;
  Log& log;
};

struct GateMeasurements {
  gate::GateCounters decisions;
  GateFileMeasurements files;
  uint64_t waiting = 0;                      // requests for a revision that is not here yet
  std::optional<http::ServerCounters> http;  // nothing without a listener of its own
  std::optional<TlsMeasurements> tls;
  std::vector<std::pair<std::string, http::UpstreamCounters>> upstreams;  // by API
};

class GateService {
  struct State;

 public:
  // Reads the APIs; takes the listener's address if gate.enabled. `public_url` is where tokens are
  // made, for refusals. Errors: configuration.
  static Result<std::unique_ptr<GateService>> start(const GateServiceDependencies& dependencies,
                                                    std::string public_url);
  explicit GateService(std::unique_ptr<State> state);  // for start()
  ~GateService();
  GateService(const GateService&) = delete;
  GateService& operator=(const GateService&) = delete;

  // The handler of forward-auth requests; null without any API, also after a reload made some:
  // then the gate's own listener has it only.
  http::Handler* forward_auth();
  // "http://127.0.0.1:8090"; empty without a listener.
  std::string url() const;

  // Looks whether files have changed; to be called every few seconds.
  void poll();
  // Takes the files anew.
  void reload();
  GateMeasurements measure() const;
  // Lets requests in progress end for at most `grace`. A second call does nothing.
  void stop(Milliseconds grace);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::app
