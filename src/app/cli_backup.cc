// `latchkey backup`: through the running server, or from a folder at rest.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "app/backup.h"
#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_progress.h"
#include "app/restore.h"
#include "app/store_choice.h"
#include "store/sqlite_driver.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kPollInterval{100};
constexpr uint64_t kMegabyte = 1'000'000;

struct BackupOptions {
  std::string folder;
  bool with_keys = false;
  bool without_keys = false;
};

// A part of a megabyte counts as one, so that a small database has a bar too.
void show_bytes(ProgressBar& bar, uint64_t done, uint64_t total) {
  bar.show((done + kMegabyte - 1) / kMegabyte, (total + kMegabyte - 1) / kMegabyte);
}

Error with_next(Error error) {
  if (error.code == ErrorCode::integrity_violated) {
    error.detail = "see what `latchkey audit verify` says";
  } else if (error.code == ErrorCode::store_unavailable) {
    error.code = ErrorCode::conflict;
    error.detail = "free space on its disk, or name another folder";
  } else if (error.detail.empty()) {
    error.detail = "name another folder, e.g. /var/backups/latchkey/$(date +%F)";
  }
  return error;
}

Result<BackupManifest> back_up_running(Remote& console, const BackupRequest& request) {
  const json::value body = {{"folder", request.folder},
                            {"withKeys", request.keys == BackupKeys::with}};
  LK_CHECK(console.call({"POST", "/backup", body}));
  ProgressBar bar("MB");
  while (true) {
    LK_TRY(const json::value answer, console.call({"GET", "/backup", {}}));
    const std::string state = text_field(answer, "state");
    if (state == "done") return parse_manifest(text_field(answer, "manifest"));
    if (state == "failed") {
      const json::value* flag = answer.as_object().if_contains("isViolated");
      const bool violated = flag != nullptr && flag->is_bool() && flag->get_bool();
      return Error(violated ? ErrorCode::integrity_violated : ErrorCode::conflict,
                   text_field(answer, "message"));
    }
    if (state != "running") {
      return Error(ErrorCode::conflict, "the server forgot the backup", "", "try again");
    }
    show_bytes(bar, number_field(answer, "done"), number_field(answer, "total"));
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<BackupManifest> back_up_at_rest(const Cli& cli, const BackupRequest& request) {
  LK_CHECK(refuse_on_postgres(cli, "this backup",
                              "docs/operating/postgresql.md says how PostgreSQL is backed up"));
  const std::string data_dir = data_dir_of(cli);
  if (restore_is_pending(data_dir)) {
    return usage_error("a restore was interrupted in " + data_dir,
                       "finish it with `latchkey restore`, or start the server");
  }
  std::error_code missing;
  if (!std::filesystem::exists(database_path(data_dir), missing)) {
    return usage_error("there is no database in " + data_dir, "name its folder with --data");
  }
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_log(LogFormat::text, LogLevel::error);
  LK_TRY(const auto keys, load_keys(data_dir, MissingKeys::refuse, entropy));
  auto driver = store::open_sqlite(database_path(data_dir), store::SqliteAccess::read_only);
  if (!driver) {
    return Error(ErrorCode::conflict, driver.error().message, "",
                 "stop what uses " + data_dir + ", or start the server and try again");
  }
  ProgressBar bar("MB");
  const auto copy = [&](const std::string& path, const store::CopyProgress& progress) {
    return (*driver)->copy_to(path, progress);
  };
  return make_backup(request, {copy, data_dir, *keys, clock, *log},
                     [&](uint64_t done, uint64_t total) {
                       show_bytes(bar, done, total);
                       return true;
                     });
}

void tell_made(const Cli& cli, const std::string& folder, const BackupManifest& manifest) {
  if (cli.json) return print_line(format_manifest(manifest));
  print_line("The backup is at " + folder + ": " + describe_backup(manifest) + ".");
  if (manifest.with_keys) {
    tell(
        "The keys are IN it. Who has this folder can forge every row and check every token of\n"
        "this installation: treat it like the server itself, and encrypt it before it leaves.");
    return;
  }
  const std::string keys = data_dir_of(cli) + "/keys";
  tell("The keys are NOT in it, and without them it is worthless: no token can be checked.");
  tell("Copy " + keys + " once, and again after each change of keys, to another place");
  tell("than the backups: cp -a " + keys + " /a/safe/place");
  tell("Who has only this folder learns names, addresses, scopes and password hashes,");
  tell("but no token.");
}

Result<void> back_up(const Cli& cli, const BackupOptions& options) {
  std::error_code error;
  // The server has another working directory.
  const auto path = std::filesystem::absolute(options.folder, error).lexically_normal();
  std::string folder = path.string();
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const BackupRequest request{folder, options.with_keys ? BackupKeys::with : BackupKeys::without};
  auto console = Remote::console(cli);
  // A socket may be left behind by a server that was killed: then nobody answers there.
  const bool is_running = console && console->call({"GET", "/status", {}});
  auto made = is_running ? back_up_running(*console, request) : back_up_at_rest(cli, request);
  if (!made) return with_next(std::move(made).error());
  tell_made(cli, folder, *made);
  return {};
}

}  // namespace

void add_backup_command(CLI::App& root, Cli& cli) {
  auto options = std::make_shared<BackupOptions>();
  auto* command = root.add_subcommand("backup", "Write a backup into a new folder");
  command->add_option("folder", options->folder, "Where; must not exist yet")->required();
  auto* with = command->add_flag("--with-keys", options->with_keys, "Put the keys into it");
  command->add_flag("--without-keys", options->without_keys, "Leave the keys out (default)")
      ->excludes(with);
  command->footer(
      "The running server of --data writes it, and goes on serving meanwhile; without a server\n"
      "it is made of the folder at rest. The folder has the database as it was at one moment,\n"
      "checked, and manifest.json, which says what it is. It appears under its name when it is\n"
      "whole. The server must be able to write there.\n\n"
      "Without the keys a backup is worthless, and so is worth less to a thief: keep a copy of\n"
      "the keys folder elsewhere. With them it is all that the server is.\n"
      "Put one back with `latchkey restore`.\n\n"
      "Example:\n  latchkey backup /var/backups/latchkey/2026-12-01");
  command->callback([&cli, options] { cli.finish(back_up(cli, *options)); });
}

}  // namespace latchkey::app
