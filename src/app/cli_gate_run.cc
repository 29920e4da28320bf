#include "app/cli_gate_run.h"

#include "app/cli_output.h"
#include "app/gate_process.h"
#include "app/process_signals.h"
#include "app/service_manager.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kGrace{10'000};

// A server that is not there yet may come; nothing else changes by waiting.
bool may_come_right(const Error& error) {
  return error.code == ErrorCode::store_unavailable || error.code == ErrorCode::timed_out ||
         error.code == ErrorCode::overloaded;
}

Result<void> connect(GateProcess& gate, Log& log) {
  auto connected = gate.connect();
  if (!connected) {
    if (!may_come_right(connected.error())) return connected;
    log.warning("gate.server_not_reached", {{"message", connected.error().message}});
    return {};
  }
  print_line("The gate serves " + gate.url() + " (health and metrics: " + gate.operations_url() +
             ").");
  notify_service_manager("READY=1\nSTATUS=Serves " + gate.url());
  return {};
}

Result<void> serve_until_stopped(GateProcess& gate, const sigset_t& signals, Log& log) {
  while (true) {
    if (!gate.is_connected()) LK_CHECK(connect(gate, log));
    switch (wait_for_signal(signals)) {
      case Wake::time:
        gate.poll();
        // Another process may do better: it loads anew.
        if (auto failure = gate.failure()) return *std::move(failure);
        break;
      case Wake::reload: gate.reload(); break;
      case Wake::stop: let_signals_end_us(signals); return {};
    }
  }
}

}  // namespace

Result<void> run_gate(const Cli& cli, const ConfigOptions& options) {
  LK_TRY(Config config, load_config(cli, options));
  if (!cli.server.empty()) config.gate_server = cli.server;
  if (!cli.ca_file.empty()) config.gate_ca_file = cli.ca_file;
  while (config.gate_server.ends_with('/')) config.gate_server.pop_back();
  const sigset_t signals = block_signals();
  const auto log = make_log(config.log_format, config.log_level);
  LK_TRY(const auto gate, GateProcess::start(config, *log));
  auto served = serve_until_stopped(*gate, signals, *log);
  notify_service_manager("STOPPING=1");
  gate->stop(kGrace);
  return served;
}

}  // namespace latchkey::app
