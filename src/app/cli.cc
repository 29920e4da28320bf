#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/cli_output.h"
#include "app/cli_tree.h"
#include "app/version.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kFooter = R"(
Start a server, set it up, and make a token:
  latchkey serve
  latchkey setup --organization fabrikam --email you@example.com --name "Your Name"
  TOKEN=$(latchkey token create --name build --scope vso.project --days 30)

Environment: LATCHKEY_SERVER, LATCHKEY_ORGANIZATION and LATCHKEY_CA_FILE stand
for --server, --organization and --ca-file; each key of `latchkey serve` has a
variable of its own.

Exit codes: 0 done; 1 refused by the server; 2 usage or configuration; 3 cannot
reach the server; 4 not signed in; 5 integrity violated (audit verify); 6 a
problem was found (doctor).)";

void add_version_command(CLI::App& root, Cli& cli) {
  auto* command = root.add_subcommand("version", "Print the version");
  command->footer("Example:\n  latchkey version");
  command->callback([&cli] {
    const json::value body = {{"version", kVersion}};
    print_line(cli.json ? format_json(body) : "latchkey " + std::string(kVersion));
  });
}

void add_global_options(CLI::App& root, Cli& cli) {
  root.add_option("--server", cli.server, "URL of the server")->envname("LATCHKEY_SERVER");
  root.add_option("--organization", cli.organization, "Organization to work in")
      ->envname("LATCHKEY_ORGANIZATION");
  root.add_option("--data,--data-dir", cli.data_dir, "Data folder, for its console or offline")
      ->type_name(kFolderType);
  root.add_option("--ca-file", cli.ca_file,
                  "PEM file of the roots to verify the server with; default the system's")
      ->envname("LATCHKEY_CA_FILE")
      ->type_name(kFileType);
  root.add_flag("--json", cli.json, "Print the server's JSON");
}

}  // namespace

ExitCode exit_code_of(ErrorCode code) {
  if (code == ErrorCode::configuration || code == ErrorCode::invalid_argument) {
    return ExitCode::usage;
  }
  if (code == ErrorCode::store_unavailable || code == ErrorCode::timed_out ||
      code == ErrorCode::request_malformed) {
    return ExitCode::unreachable;
  }
  if (code == ErrorCode::credential_missing || code == ErrorCode::session_unknown) {
    return ExitCode::not_signed_in;
  }
  if (code == ErrorCode::integrity_violated) return ExitCode::integrity;
  return ExitCode::refused;
}

std::string error_line(const Error& error) {
  std::string what = error.message.empty() ? std::string(error_name(error.code)) : error.message;
  while (what.ends_with('.')) what.pop_back();
  return "latchkey: " + printable(what) +
         (error.detail.empty() ? "" : "; " + printable(error.detail));
}

Error usage_error(std::string what, std::string next) {
  return Error(ErrorCode::configuration, std::move(what), "", std::move(next));
}

void Cli::finish(const Result<void>& result) {
  if (result) return;
  tell(error_line(result.error()));
  exit_code = static_cast<int>(exit_code_of(result.error().code));
}

int run_cli(int argc, const char* const* argv) {
  Cli cli;
  if (argc > 0 && std::string_view(argv[0]).find('/') != std::string_view::npos) {
    cli.program = argv[0];
  }
  CLI::App root("Personal access tokens for any API, on your own machines", "latchkey");
  root.footer(std::string(kFooter));
  root.require_subcommand(1);
  root.fallthrough();
  root.failure_message([](const CLI::App* app, const CLI::Error& error) {
    std::string what = error.what();
    // A command that is not there is told as one that was left out.
    const auto unread = app->remaining(true);
    if (error.get_name() == "RequiredError" && !unread.empty() && !unread[0].starts_with('-')) {
      what = "there is no command '" + printable(unread[0]) + "'";
    }
    return "latchkey: " + what + "; see `latchkey --help`, or --help after a command\n";
  });
  add_global_options(root, cli);
  add_serve_command(root, cli);
  add_access_commands(root, cli);
  add_token_commands(root, cli);
  add_organization_commands(root, cli);
  add_project_commands(root, cli);
  add_user_commands(root, cli);
  add_audit_commands(root, cli);
  add_gate_commands(root, cli);
  add_backup_command(root, cli);
  add_restore_command(root, cli);
  add_store_commands(root, cli);
  add_key_commands(root, cli);
  add_client_commands(root, cli);
  add_doctor_command(root, cli);
  add_bench_commands(root, cli);
  add_version_command(root, cli);
  add_completion_commands(root, cli);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_help = root.exit(error) == 0;
    return static_cast<int>(is_help ? ExitCode::done : ExitCode::usage);
  }
  return cli.exit_code;
}

}  // namespace latchkey::app
