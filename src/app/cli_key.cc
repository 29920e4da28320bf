// `latchkey key ...`: lists, rotates and retires keys at a running server's console.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <thread>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_progress.h"
#include "app/cli_prompt.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kPollInterval{100};

struct KeyOptions {
  std::string kind;
  std::string id;
  bool yes = false;
  bool dry_run = false;
};
using Options = std::shared_ptr<KeyOptions>;

// Only a running server changes keys: it alone knows what depends on one.
Result<Remote> running_server(const Cli& cli) {
  auto console = Remote::console(cli);
  if (console && console->call({"GET", "/status", {}})) return std::move(*console);
  return Error(ErrorCode::store_unavailable, "no server runs on " + data_dir_of(cli), "",
               "start it with `" + cli.program + " serve --data " + data_dir_of(cli) +
                   "`, or name its folder with --data");
}

std::string plural(uint64_t count, const std::string& one) {
  return std::to_string(count) + ' ' + one + (count == 1 ? "" : "s");
}

Result<void> list(const Cli& cli) {
  LK_TRY(Remote console, running_server(cli));
  LK_TRY(const json::value answer, console.call({"GET", "/keys", {}}));
  Table table{{"Kind", "Id", "Made (UTC)", "State", "Live tokens", "Latest expiry (UTC)"}, {}};
  for (const json::value& key : list_field(answer, "value")) {
    const bool is_digest = text_field(key, "kind") == "digest";
    table.rows.push_back({text_field(key, "kind"), text_field(key, "id"),
                          short_time(text_field(key, "madeAt")), text_field(key, "state"),
                          is_digest ? std::to_string(number_field(key, "liveTokens")) : "-",
                          short_time(text_field(key, "latestExpiry"))});
  }
  print_list(cli, answer, table, "There are no keys.");
  return {};
}

Result<void> rotate_digest(const Cli& cli) {
  LK_TRY(Remote console, running_server(cli));
  LK_TRY(const json::value answer, console.call({"POST", "/keys/digest/rotate", json::object()}));
  if (cli.json) print_line(format_json(answer));
  tell("Digest key " + text_field(answer, "id") +
       " is the current one: new tokens take it. Tokens of older keys go on working; see `" +
       cli.program + " key list`.");
  return {};
}

Result<void> rotate_row(const Cli& cli) {
  LK_TRY(Remote console, running_server(cli));
  LK_TRY(const json::value answer, console.call({"POST", "/keys/row/rotate", json::object()}));
  const std::string id = text_field(answer, "id");
  tell(flag_field(answer, "isNew")
           ? "Row key " + id +
                 " is the current one. Everything is signed anew with it; the server "
                 "goes on with that if you leave."
           : "Row key " + id + " is new, and the server is still signing everything anew with it.");
  ProgressBar bar("rows");
  while (true) {
    LK_TRY(const json::value progress, console.call({"GET", "/keys/row/rotation", {}}));
    if (text_field(progress, "state") == "done") break;
    if (const std::string problem = text_field(progress, "problem"); !problem.empty()) {
      return Error(ErrorCode::conflict, "rows cannot be signed now: " + problem, "",
                   "the server tries again; look into its log");
    }
    bar.show(number_field(progress, "done"), number_field(progress, "total"));
    std::this_thread::sleep_for(kPollInterval);
  }
  bar.clear();
  if (cli.json) print_line(format_json(answer));
  tell("Everything is signed with row key " + id + "; the older one is removed.");
  return {};
}

void tell_dependents(const json::value& dependents, const std::string& id) {
  const uint64_t count = number_field(dependents, "count");
  if (count == 0) {
    tell("Retiring key " + id + " ends no token.");
    return;
  }
  tell("Retiring key " + id + " ends " + plural(count, "token") + ":");
  Table table{{"Id", "Name", "Owner", "Organization", "Expires (UTC)"}, {}};
  for (const json::value& token : list_field(dependents, "value")) {
    table.rows.push_back({text_field(token, "id"), text_field(token, "displayName"),
                          text_field(token, "owner"), text_field(token, "organization"),
                          short_time(text_field(token, "validTo"))});
  }
  std::string text = format_table(table, Colour::none);
  while (text.ends_with('\n')) text.pop_back();
  tell(text);
  if (count > table.rows.size()) tell("and " + std::to_string(count - table.rows.size()) + " more");
}

Result<void> retire(const Cli& cli, const KeyOptions& options) {
  LK_TRY(Remote console, running_server(cli));
  const std::string path = "/keys/digest/" + percent_encode(options.id);
  LK_TRY(const json::value dependents, console.call({"GET", path + "/tokens", {}}));
  const uint64_t count = number_field(dependents, "count");
  if (options.dry_run && cli.json) {
    print_line(format_json(dependents));
    return {};
  }
  tell_dependents(dependents, options.id);
  if (options.dry_run) return {};
  if (count > 0 && !options.yes) LK_CHECK(confirm("Their owners are told.", "yes"));

  ProgressBar bar("tokens");
  uint64_t revoked = 0;
  bool is_done = false;
  while (!is_done) {
    LK_TRY(const json::value step, console.call({"POST", path + "/retire", json::object()}));
    revoked += number_field(step, "revoked");
    is_done = flag_field(step, "isDone");
    bar.show(revoked, std::max(count, revoked));
  }
  bar.clear();
  if (cli.json) print_line(format_json(json::object{{"id", options.id}, {"revoked", revoked}}));
  tell("Key " + options.id + " is retired; " + plural(revoked, "token") +
       (revoked == 1 ? " was" : " were") + " revoked.");
  return {};
}

void add_retire(CLI::App& key, Cli& cli, const Options& options) {
  auto* command = key.add_subcommand("retire", "End an old digest key and the tokens under it");
  command->add_option("id", options->id, "Id of the key, from `latchkey key list`")->required();
  command->add_flag("--dry-run", options->dry_run, "Only say which tokens would end");
  command->add_flag("--yes", options->yes, "Do not ask");
  command->footer(
      "Says first which live tokens end with the key, and asks. They are revoked one by one, so\n"
      "their owners are told; then the key is removed from memory and disk. The current key\n"
      "cannot be retired: rotate first. Run again, it goes on where it was interrupted.\n\n"
      "Example:\n  latchkey key retire AA --dry-run\n  latchkey key retire AA --yes");
  command->callback([&cli, options] { cli.finish(retire(cli, *options)); });
}

}  // namespace

void add_key_commands(CLI::App& root, Cli& cli) {
  auto* key = root.add_subcommand("key", "Rotate and retire the keys of a server (operators)");
  key->require_subcommand(1);
  key->footer(
      "They use the socket in the data folder of a running server.\n\n"
      "Example:\n  latchkey key list --data ./latchkey-data");
  const auto options = std::make_shared<KeyOptions>();

  auto* list_command = key->add_subcommand("list", "List the keys and what depends on them");
  list_command->footer(
      "A digest key that is old may be retired without ending a token once its latest expiry is\n"
      "past.\n\nExample:\n  latchkey key list");
  list_command->callback([&cli] { cli.finish(list(cli)); });

  auto* rotate_command = key->add_subcommand("rotate", "Make a new current key");
  rotate_command
      ->add_option("kind", options->kind,
                   "digest: what tokens are stored under; row: what signs the database")
      ->required()
      ->check(CLI::IsMember({"digest", "row"}));
  rotate_command->footer(
      "Nothing stops meanwhile. Tokens of older digest keys go on working. After a row key all\n"
      "rows are signed anew, then the old one is removed; should the server be ended before, it\n"
      "goes on at its next start. Run again, the command shows how far it is.\n\n"
      "Example:\n  latchkey key rotate digest\n  latchkey key rotate row");
  rotate_command->callback([&cli, options] {
    cli.finish(options->kind == "row" ? rotate_row(cli) : rotate_digest(cli));
  });

  add_retire(*key, cli, options);
}

}  // namespace latchkey::app
