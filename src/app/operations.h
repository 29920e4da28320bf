// Is this process alive, may it be sent requests, and what is it doing: for operators and their
// tools.
//
// Answers from memory only, on a listener of its own. Ready means: the index is loaded and not
// older than its bound; otherwise 503 with the reason. Metrics are the Prometheus text format
// 0.0.4. Thread safety: handle() from any thread. Documented in docs/operating/configuration.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "api/api.h"
#include "app/feed_hub.h"
#include "app/gate_service.h"
#include "app/snapshot_keeper.h"
#include "app/tls_files.h"
#include "http/message.h"
#include "http/server.h"
#include "verify/verifier.h"

namespace latchkey::app {

// What the system says of this process; 0 where it cannot be read.
struct ProcessMeasurements {
  uint64_t resident_bytes = 0;
  Milliseconds cpu{0};  // user and system, since the start
  uint64_t files_open = 0;
  uint64_t files_max = 0;
};
ProcessMeasurements measure_process();

// One look at everything that is measured.
struct Measurements {
  verify::VerifierStatus index;
  Milliseconds staleness_max{0};
  bool is_serving = false;  // start-up is over, stopping has not begun
  bool has_store = true;    // false in the process of a gate
  api::ApiCounters checks;
  http::ServerCounters http;
  uint64_t store_jobs_queued = 0;
  uint64_t password_jobs_queued = 0;
  uint64_t mails_unsent = 0;
  uint64_t mails_given_up = 0;
  uint64_t token_rows_refused = 0;
  FeedHubCounters feed;
  SnapshotCounters snapshot;
  uint64_t usage_dropped = 0;
  bool store_needs_restart = false;
  uint64_t background_failures = 0;
  ProcessMeasurements process;
  uint64_t digest_keys = 0;
  Milliseconds digest_key_age{0};  // of the current one
  uint64_t row_keys = 0;
  Milliseconds row_key_age{0};
  int64_t started_at_ms = 0;
  std::optional<TlsMeasurements> tls;    // nothing without TLS
  std::optional<GateMeasurements> gate;  // nothing without an API behind the gate
};

// Why requests should not be sent here now; nothing when they may be.
std::optional<std::string> not_ready_reason(const Measurements& measurements);
std::string format_metrics(const Measurements& measurements);

class OperationsHandler final : public http::Handler {
 public:
  explicit OperationsHandler(std::function<Measurements()> measure)
      : measure_(std::move(measure)) {}
  void handle(const http::Request& request, http::Reply reply) override;

 private:
  std::function<Measurements()> measure_;
};

}  // namespace latchkey::app
