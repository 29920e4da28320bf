// `latchkey migrate` and `latchkey store`: work on a database that no server runs on.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_progress.h"
#include "app/cli_prompt.h"
#include "app/keys.h"
#include "app/restore.h"
#include "app/store_choice.h"
#include "base/bytes.h"
#include "service/restoration.h"
#include "store/move_store.h"
#include "store/sqlite_driver.h"

namespace latchkey::app {
namespace {

using service::SinceBackup;

struct MigrateOptions {
  std::string to;
  std::string password_file;
};

struct EpochOptions {
  std::string since_backup;
  bool yes = false;
};

void tell_moved(const Cli& cli, const store::MoveReport& report, const std::string& target) {
  if (cli.json) {
    print_line(format_json(json::object{
        {"epoch", core::format_id(report.epoch)},
        {"events", report.audit.events},
        {"rows", report.rows},
        {"rowsCopied", report.copied},
        {"sourceEpoch", core::format_id(report.from.epoch)},
        {"sourceHash", format_hex(report.from.hash)},
        {"sourceRevision", report.from.revision.number},
        {"tokens", report.audit.tokens},
    }));
    return;
  }
  print_line("All is in " + target + ": " + std::to_string(report.rows) + " rows, " +
             std::to_string(report.audit.events) + " events and " +
             std::to_string(report.audit.tokens) + " tokens, verified.");
  print_line("Revisions count in the new epoch " + core::format_id(report.epoch) + ".");
  print_line(
      "The folder is as it was. Do not start a server on its database again: its changes\n"
      "would not be in the new one. Put store.url into latchkey.toml, copy the keys folder\n"
      "to every node, and start them with `latchkey serve`.");
}

Result<void> migrate(const Cli& cli, const MigrateOptions& options) {
  LK_TRY(Config config, config_at_rest(cli));
  const std::string path = database_path(config.data_dir);
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) {
    return usage_error("there is no database in " + config.data_dir, "name its folder with --data");
  }
  if (restore_is_pending(config.data_dir)) {
    return usage_error("a restore was interrupted in " + config.data_dir,
                       "finish it with `latchkey restore`, or start the server");
  }
  config.store_url = options.to;
  config.store_password_file = options.password_file;
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_log(LogFormat::text, LogLevel::error);
  LK_TRY(const auto keys, load_keys(config.data_dir, MissingKeys::refuse, entropy));
  auto lock = store::lock_sqlite(path, store::SqliteAccess::exclusive);
  if (!lock) {
    return Error(ErrorCode::conflict, lock.error().message, "",
                 "stop the server of " + config.data_dir + " first");
  }
  LK_TRY(const auto source, store::open_locked_sqlite(path, store::SqliteAccess::read_only, *lock));
  auto target = open_driver(config, StoreUse::alone, entropy);
  if (!target) {
    Error error = std::move(target).error();
    if (error.code == ErrorCode::configuration) error.message = "--to: " + error.message;
    return error;
  }
  ProgressBar rows("rows");
  ProgressBar events("events");
  store::MoveProgress progress;
  progress.on_rows = [&](uint64_t done, uint64_t total) { rows.show(done, total); };
  progress.on_events = [&](uint64_t done, uint64_t total) { events.show(done, total); };
  LK_TRY(const auto report, store::move_store(*source, *std::move(target),
                                              {clock, entropy, *log, keys->row_keys()}, progress));
  rows.clear();
  events.clear();
  tell_moved(cli, report, store::describe_postgres_target(options.to));
  return {};
}

Result<SinceBackup> choose(const EpochOptions& options) {
  if (options.since_backup == "keep") return SinceBackup::keep;
  if (options.since_backup != "revoke") {
    return usage_error(options.since_backup.empty()
                           ? "it is not said what becomes of what changed since that moment"
                           : "'" + options.since_backup + "' is no choice for --since-backup",
                       "give --since-backup keep or revoke; see `latchkey store new-epoch --help`");
  }
  if (!options.yes) {
    tell("EVERY token is revoked and EVERY password removed.");
    LK_CHECK(confirm("Go on?", "revoke"));
  }
  return SinceBackup::revoke_all;
}

Result<void> begin_epoch(const Cli& cli, const EpochOptions& options) {
  LK_TRY(const SinceBackup choice, choose(options));
  LK_TRY(const Config config, config_at_rest(cli));
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_log(LogFormat::text, LogLevel::error);
  LK_TRY(const auto keys, load_keys(config.data_dir, MissingKeys::refuse, entropy));
  auto driver = open_driver(config, StoreUse::alone, entropy);
  if (!driver) {
    Error error = std::move(driver).error();
    if (error.code == ErrorCode::store_unavailable) error.code = ErrorCode::conflict;
    return error;
  }
  LK_TRY(const auto store,
         store::open_store(*std::move(driver), {clock, entropy, *log, keys->row_keys()}));
  LK_TRY(const auto report, service::restore_state({*store, entropy}, choice, {}));
  if (cli.json) {
    print_line(format_json(json::object{{"epoch", core::format_id(report.epoch)},
                                        {"tokensRevoked", report.tokens_revoked.size()},
                                        {"passwordsRemoved", report.passwords_removed.size()}}));
    return {};
  }
  print_line("Revisions count in the new epoch " + core::format_id(report.epoch) + ".");
  print_line("Every session and every open link has ended: people sign in again.");
  if (choice == SinceBackup::revoke_all) {
    print_line("Tokens revoked: " + std::to_string(report.tokens_revoked.size()));
    print_line("Passwords removed: " + std::to_string(report.passwords_removed.size()));
  }
  return {};
}

}  // namespace

void add_store_commands(CLI::App& root, Cli& cli) {
  auto* migrate_group = root.add_subcommand("migrate", "Move to another kind of database");
  migrate_group->require_subcommand(1);
  migrate_group->footer(
      "Example:\n  latchkey migrate sqlite-to-postgres --to postgres://latchkey@db/latchkey");
  auto moved = std::make_shared<MigrateOptions>();
  auto* move = migrate_group->add_subcommand("sqlite-to-postgres",
                                             "Copy all of a folder's database to PostgreSQL");
  move->add_option("--to", moved->to, "postgres://USER@HOST/DATABASE, an empty database")
      ->required();
  move->add_option("--password-file", moved->password_file,
                   "File that holds the password for --to");
  move->footer(
      "Stop the server first. If it is interrupted, give the command again: it goes on where it\n"
      "was. What was copied is compared and verified as by `audit verify`; until then no server\n"
      "starts on it. The folder is only read.\n\n"
      "Example:\n"
      "  latchkey migrate sqlite-to-postgres --data /var/lib/latchkey \\\n"
      "    --to postgres://latchkey@db.example/latchkey --password-file /etc/latchkey/db");
  move->callback([&cli, moved] { cli.finish(migrate(cli, *moved)); });

  auto* store_group = root.add_subcommand("store", "The database, while no server runs on it");
  store_group->require_subcommand(1);
  store_group->footer("Example:\n  latchkey store new-epoch --since-backup keep");
  auto epoch = std::make_shared<EpochOptions>();
  auto* begin = store_group->add_subcommand(
      "new-epoch", "Say that the database was put back to an earlier moment");
  begin->add_option("--since-backup", epoch->since_backup,
                    "keep: all is as it was then; revoke: every token and password ends");
  begin->add_flag("--yes", epoch->yes, "Do not ask before every token is revoked");
  begin->footer(
      "For a database that PostgreSQL's tools put back (point-in-time recovery, a standby that\n"
      "lacked changes). Revisions after that moment are given a second time, so every index and\n"
      "gate must load anew: they do when the epoch is another. Sessions and open links end, since\n"
      "those that had ended would be good again. With keep, tokens that were revoked since work\n"
      "again; nobody can know which they were.\n\n"
      "Example:\n  latchkey store new-epoch --data /var/lib/latchkey --since-backup keep");
  begin->callback([&cli, epoch] { cli.finish(begin_epoch(cli, *epoch)); });
}

}  // namespace latchkey::app
