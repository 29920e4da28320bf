// `latchkey restore`: puts a backup into a folder that no server runs on.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_progress.h"
#include "app/cli_prompt.h"
#include "app/restore.h"
#include "app/store_choice.h"

namespace latchkey::app {
namespace {

using service::SinceBackup;

constexpr std::string_view kChoices =
    "What was revoked, disabled or changed since the backup was made:\n"
    "  keep    all is as in the backup: tokens that were revoked since work again, and so\n"
    "          do passwords that were replaced and people who were disabled\n"
    "  revoke  what was revoked, regenerated, edited, disabled or removed since is revoked\n"
    "          again, as the log of the database that is replaced (or of --log-of) tells.\n"
    "          Without such a log nobody can know what it was: then every token is revoked\n"
    "          and every password removed";

struct RestoreOptions {
  RestoreRequest request;
  std::string since_backup;
  bool yes = false;
};

std::string count(size_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

// Whether to revoke, as it was given or asked for.
Result<bool> choose(const std::string& given) {
  std::string choice = given;
  if (choice.empty() && is_terminal(STDIN_FILENO)) {
    tell(kChoices);
    LK_TRY(choice, ask("keep or revoke", "--since-backup keep, or revoke"));
  }
  if (choice == "keep") return false;
  if (choice == "revoke") return true;
  return usage_error(choice.empty() ? "it is not said what becomes of what changed since the backup"
                                    : "'" + choice + "' is no choice for --since-backup",
                     "give --since-backup keep or revoke; see `latchkey restore --help`");
}

void tell_plan(const RestorePlan& plan) {
  tell("The backup is whole: " + describe_backup(plan.manifest) + "; " +
       count(plan.audit.events, "event", "events") + ", " +
       count(plan.audit.tokens, "token", "tokens") + ", all as they were written.");
  for (const std::string& id : plan.missing_digest_keys) {
    tell("The digest key " + id + " is not among the keys: its tokens stay refused.");
  }
}

// What becomes of the time since, before anything is changed. Errors: configuration (given up).
Result<SinceBackup> decide(const RestorePlan& plan, const RestoreOptions& options, bool revoke) {
  if (!revoke) {
    if (!plan.since) return SinceBackup::keep;
    tell("Undone are " + count(plan.since->events, "event", "events") + " since: " +
         count(plan.since->tokens_changed.size(), "token that was", "tokens that were") +
         " revoked, regenerated or edited will be as before.");
    return SinceBackup::keep;
  }
  if (plan.since) return SinceBackup::revoke_changed;
  tell("It cannot be known what was revoked since: " + plan.no_log +
       ".\nSo EVERY token is revoked and EVERY password removed. Then make links to new passwords\n"
       "with `latchkey user reset-link`, for those only who should still come in.");
  if (!options.yes) LK_CHECK(confirm("Go on?", "revoke"));
  return SinceBackup::revoke_all;
}

void add_ids(json::object& body, std::string_view name, const auto& ids, const auto& format) {
  json::array list;
  for (const auto& id : ids) list.emplace_back(format(id));
  body[name] = std::move(list);
}

void print_json(const Restore& restore, const service::RestorationReport& report) {
  const auto plain = [](const auto& id) { return core::format_id(id); };
  const auto member = [](const auto& id) {
    return core::format_id(id.first) + "/" + core::format_id(id.second);
  };
  const RestorePlan& plan = restore.plan();
  json::object body = {{"epoch", core::format_id(report.epoch)},
                       {"backupEpoch", core::format_id(plan.manifest.head.epoch)},
                       {"backupRevision", plan.manifest.head.revision.number},
                       {"logFollowed", plan.since.has_value()},
                       {"replaced", restore.replaced()}};
  add_ids(body, "tokensRevoked", report.tokens_revoked, plain);
  add_ids(body, "peopleDisabled", report.people_disabled, plain);
  add_ids(body, "passwordsRemoved", report.passwords_removed, plain);
  add_ids(body, "organizationsDeleted", report.organizations_deleted, plain);
  add_ids(body, "membersRemoved", report.members_removed, member);
  add_ids(body, "rolesChanged", report.roles_changed, member);
  add_ids(body, "clientsRemoved", report.clients_removed, plain);
  add_ids(body, "organizationsWithoutOwner", report.without_owner, plain);
  add_ids(body, "tokensLost", plan.lost, [&](const LostToken& token) { return plain(token.id); });
  print_line(format_json(body));
}

void print_report(const Restore& restore, const service::RestorationReport& report) {
  const RestorePlan& plan = restore.plan();
  print_line("Restored: revisions count in the new epoch " + core::format_id(report.epoch) + ".");
  print_line("Every session and every open link has ended: people sign in again.");
  const auto say = [](size_t number, const std::string& what) {
    if (number > 0) print_line(what + ": " + std::to_string(number));
  };
  say(report.tokens_revoked.size(), "Tokens revoked");
  say(report.people_disabled.size(), "People disabled");
  say(report.passwords_removed.size(), "Passwords removed");
  say(report.members_removed.size(), "Memberships removed");
  say(report.roles_changed.size(), "Roles set to what they were last");
  say(report.organizations_deleted.size(), "Organizations deleted");
  say(report.clients_removed.size(), "Clients removed");
  for (const auto& id : report.without_owner) {
    print_line("No active person owns the organization " + core::format_id(id) + " now.");
  }
  if (!plan.lost.empty()) {
    print_line("Tokens made since the backup are lost and refused as unknown:");
    Table table{{"Id", "Name", "Owner"}, {}};
    for (const LostToken& token : plan.lost) {
      table.rows.push_back(
          {core::format_id(token.id), printable(token.name), printable(token.owner_email)});
    }
    print_line(format_table(table, Colour::none));
  }
  if (!restore.replaced().empty()) print_line("What was there is in " + restore.replaced() + ".");
  print_line("Start the server with `latchkey serve`.");
}

Result<void> restore(const Cli& cli, const RestoreOptions& options) {
  RestoreRequest request = options.request;
  request.data_dir = data_dir_of(cli);
  LK_CHECK(refuse_on_postgres(cli, "restore",
                              "put the database back with PostgreSQL's tools, then type `latchkey "
                              "store new-epoch`"));
  LK_TRY(const bool revoke, choose(options.since_backup));
  LK_TRY(const bool finished, finish_pending_restore(request.data_dir));
  if (finished) {
    print_line("A restore that was interrupted in " + request.data_dir +
               " is finished. To restore another backup, give the command again.");
    return {};
  }
  ProgressBar bar("events");
  auto prepared =
      Restore::prepare(request, [&](uint64_t done, uint64_t total) { bar.show(done, total); });
  if (!prepared) {
    Error error = std::move(prepared).error();
    if (error.code == ErrorCode::integrity_violated) {
      error.message = "the backup does not verify: " + error.message;
      error.detail = "take another backup";
    }
    if (error.code == ErrorCode::store_unavailable) error.code = ErrorCode::conflict;
    return error;
  }
  Restore& restore = **prepared;
  bar.clear();
  tell_plan(restore.plan());
  LK_TRY(const SinceBackup choice, decide(restore.plan(), options, revoke));
  LK_TRY(const auto report, restore.carry_out(choice));
  if (cli.json) {
    print_json(restore, report);
  } else {
    print_report(restore, report);
  }
  return {};
}

}  // namespace

void add_restore_command(CLI::App& root, Cli& cli) {
  auto options = std::make_shared<RestoreOptions>();
  auto* command = root.add_subcommand("restore", "Put a backup into a folder at rest");
  command->add_option("backup", options->request.backup, "Folder of the backup")->required();
  command->add_option("--since-backup", options->since_backup,
                      "keep or revoke: see below; asked for at a terminal");
  command->add_option("--keys", options->request.keys_dir,
                      "Copy of the keys folder, for a backup without keys");
  command->add_option("--log-of", options->request.log_of,
                      "Data folder whose log tells what changed since; default: the one replaced");
  command->add_flag("--replace", options->request.replace,
                    "Move a database that is there aside, to DATA/replaced-TIME");
  command->add_flag("--yes", options->yes, "Do not ask before every token is revoked");
  command->footer(
      "Stop the server first. The backup is checked as a whole, and its log as by `audit verify`,\n"
      "before it takes the place of anything. The keys are those of --keys, or else of the data\n"
      "folder, or else of the backup. If it is interrupted, give the command again.\n\n" +
      std::string(kChoices) +
      ".\n\nIn both cases every session and open link ends, tokens made since are lost, and a new\n"
      "epoch begins, so that nobody takes an old revision for a new one.\n\n"
      "Example:\n"
      "  latchkey restore /var/backups/latchkey/2026-12-01 --data /var/lib/latchkey \\\n"
      "    --since-backup revoke --replace");
  command->callback([&cli, options] { cli.finish(restore(cli, *options)); });
}

}  // namespace latchkey::app
