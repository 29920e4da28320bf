// `latchkey audit verify`: walks the event log, at a running server or in a folder at rest.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_progress.h"
#include "app/keys.h"
#include "app/restore.h"
#include "app/store_choice.h"
#include "store/store.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kPollInterval{100};

Error violated(const std::string& message) {
  return Error(ErrorCode::integrity_violated,
               "the log or a row was changed from outside: " + message, "",
               "keep this folder as evidence and put back a backup that verifies");
}

void print_report(const Cli& cli, const store::AuditReport& report) {
  if (cli.json) {
    print_line(format_json({{"events", report.events},
                            {"tokens", report.tokens},
                            {"contextsErased", report.contexts_erased}}));
    return;
  }
  print_line("The log is intact: events " + std::to_string(report.events) + ", tokens " +
             std::to_string(report.tokens) + ", all as they were written; contexts erased " +
             std::to_string(report.contexts_erased) + ".");
}

Result<store::AuditReport> verify_running(Remote& console) {
  LK_CHECK(console.call({"POST", "/audit/verify", json::object()}));
  ProgressBar bar("events");
  while (true) {
    LK_TRY(const json::value answer, console.call({"GET", "/audit/verify", {}}));
    const std::string state = text_field(answer, "state");
    if (state == "done") {
      return store::AuditReport{number_field(answer, "events"), number_field(answer, "tokens"),
                                number_field(answer, "contextsErased")};
    }
    if (state == "failed") {
      const std::string message = text_field(answer, "message");
      if (flag_field(answer, "isViolated")) return violated(message);
      return Error(ErrorCode::conflict, message, "", "look into the server's log");
    }
    if (state != "running") {
      return Error(ErrorCode::conflict, "the server forgot the run", "", "try again");
    }
    bar.show(number_field(answer, "done"), number_field(answer, "total"));
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<store::AuditReport> verify_at_rest(const Cli& cli) {
  LK_TRY(const Config config, config_at_rest(cli));
  const std::string& data_dir = config.data_dir;
  if (restore_is_pending(data_dir)) {
    return usage_error("a restore was interrupted in " + data_dir,
                       "finish it with `latchkey restore`, or start the server");
  }
  std::error_code missing;
  if (!is_on_postgres(config) && !std::filesystem::exists(database_path(data_dir), missing)) {
    return usage_error("there is no database in " + data_dir, "name its folder with --data");
  }
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_log(LogFormat::text, LogLevel::error);
  LK_TRY(const auto keys, load_keys(data_dir, MissingKeys::refuse, entropy));
  auto driver = open_driver(config, StoreUse::look, entropy);
  if (!driver) return driver.error();
  auto opened = store::open_store(std::move(*driver), {clock, entropy, *log, keys->row_keys()});
  if (!opened && opened.error().code == ErrorCode::integrity_violated) {
    return violated(opened.error().message);
  }
  if (!opened) return opened.error();
  ProgressBar bar("events");
  auto report =
      store::verify_audit(**opened, [&](uint64_t done, uint64_t total) { bar.show(done, total); });
  if (report) {
    if (auto held = store::verify_rights(**opened); !held) report = std::move(held).error();
  }
  if (!report && report.error().code == ErrorCode::integrity_violated) {
    return violated(report.error().message);
  }
  return report;
}

Result<void> verify(const Cli& cli) {
  auto console = Remote::console(cli);
  // A socket may be left behind by a server that was killed: then nobody answers there.
  if (console && console->call({"GET", "/status", {}})) {
    LK_TRY(const store::AuditReport report, verify_running(*console));
    print_report(cli, report);
    return {};
  }
  auto report = verify_at_rest(cli);
  if (!report) {
    Error error = std::move(report).error();
    const auto config = config_at_rest(cli);
    if (error.code == ErrorCode::store_unavailable && config && !is_on_postgres(*config)) {
      error.code = ErrorCode::conflict;
      error.detail = "stop what uses " + data_dir_of(cli) + ", or verify a copy of it";
    }
    return error;
  }
  print_report(cli, *report);
  return {};
}

}  // namespace

void add_audit_commands(CLI::App& root, Cli& cli) {
  auto* audit = root.add_subcommand("audit", "The record of every change");
  audit->require_subcommand(1);
  audit->footer("Example:\n  latchkey audit verify");
  auto* command = audit->add_subcommand("verify", "Check that nothing was changed from outside");
  command->footer(
      "Checks the order and hash of every event, their contexts, the signature of the last one,\n"
      "and the MAC of every token: at the running server of --data, or in that folder at rest.\n"
      "Exit code 5 says that something was changed.\n\n"
      "Example:\n  latchkey audit verify --data ./latchkey-data");
  command->callback([&cli] { cli.finish(verify(cli)); });
}

}  // namespace latchkey::app
