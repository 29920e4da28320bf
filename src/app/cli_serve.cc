// `latchkey serve`: runs a server until it is told to stop.
#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "app/cli_config.h"
#include "app/cli_output.h"
#include "app/config.h"
#include "app/process_signals.h"
#include "app/reveal.h"
#include "app/server.h"
#include "app/service_manager.h"
#include "app/store_choice.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kGrace{10'000};

struct ServeOptions {
  ConfigOptions config;
  bool print_config = false;
};

void wait_for_stop(const sigset_t& signals, Server& server, Log& log) {
  while (true) {
    switch (wait_for_signal(signals)) {
      case Wake::time: server.poll_files(); break;
      case Wake::reload:
        if (!server.reload_files()) log.warning("serve.signal_ignored", {{"signal", "SIGHUP"}});
        break;
      case Wake::stop: return let_signals_end_us(signals);
    }
  }
}

void welcome(const Cli& cli, const Started& started, const Config& config) {
  print_line("Latchkey serves " + started.public_url +
             " (health and metrics: " + started.operations_url + ").");
  if (!started.setup_code.empty()) {
    print_line("Nobody is set up yet. Within 24 hours open this link, which works once:");
    print_line("  " + reveal_link(started.public_url, started.setup_code));
    print_line("or type this in another terminal:");
    print_line("  " + cli.program + " setup --data " + config.data_dir);
  }
  if (!started.gate_url.empty()) print_line("The gate serves " + started.gate_url + ".");
  print_line("Open " + started.public_url + "/");
}

// A setting that is wrong, or a port in use, is a matter of configuration; a locked or broken
// database is not a server that cannot be reached.
Error start_error(Error error, const Config& config) {
  const bool is_store = error.code == ErrorCode::store_unavailable;
  if (is_store) error.code = ErrorCode::conflict;
  if (!error.detail.empty()) return error;
  if (error.code == ErrorCode::integrity_violated) {
    error.detail = "put back the newest backup that `latchkey audit verify` accepts";
  } else if (is_store && error.message.starts_with("the database answered")) {
    error.detail = "see whether the disk is full, read-only or failing";
  } else if (is_store && is_on_postgres(config)) {
    error.detail = "see to store.url and the server that it names";
  } else if (is_store) {
    error.detail = "end what uses it, or name another folder with --data";
  } else if (error.field == "port") {
    error.detail = "end what uses it, or give another --port and --operations-port";
  } else {
    error.detail = "see `latchkey serve --print-config`";
  }
  return error;
}

Result<void> serve(const Cli& cli, const ServeOptions& options) {
  auto config = load_config(cli, options.config);
  if (!config) return start_error(std::move(config).error(), Config());
  if (options.print_config) {
    print_line(format_config(*config));
    return {};
  }
  const sigset_t signals = block_signals();
  const auto log = make_log(config->log_format, config->log_level);
  auto server = Server::start(*config, *log);
  if (!server) return start_error(std::move(server).error(), *config);
  welcome(cli, (*server)->started(), *config);
  notify_service_manager("READY=1\nSTATUS=Serves " + (*server)->started().public_url);
  wait_for_stop(signals, **server, *log);
  notify_service_manager("STOPPING=1");
  (*server)->stop(kGrace);
  return {};
}

}  // namespace

void add_serve_command(CLI::App& root, Cli& cli) {
  auto options = std::make_shared<ServeOptions>();
  auto* command = root.add_subcommand("serve", "Run a server");
  add_config_options(*command, options->config);
  command->add_flag("--print-config", options->print_config,
                    "Print the effective configuration and where each value is from");
  command->footer(
      "Each option is also a key of the file (--listen-port is port in [listen]) and an\n"
      "environment variable (LATCHKEY_LISTEN_PORT). Flags win over the environment, that over\n"
      "the file. SIGTERM and SIGINT stop gracefully; a second one stops at once. SIGHUP reads\n"
      "the certificate and the gate's APIs anew.\n\n"
      "Example:\n  latchkey serve --port 9000 --data ./latchkey-data");
  command->callback([&cli, options] { cli.finish(serve(cli, *options)); });
}

}  // namespace latchkey::app
