// `latchkey client ...`: credentials of gates and resource servers, at a running server's console.
#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_prompt.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

struct ClientOptions {
  std::string name;
  std::vector<std::string> may;
  std::vector<std::string> organizations;
  bool yes = false;
};
using Options = std::shared_ptr<ClientOptions>;

// Only a running server takes clients in and ends them at once.
Result<Remote> running_server(const Cli& cli) {
  auto console = Remote::console(cli);
  if (console && console->call({"GET", "/status", {}})) return std::move(*console);
  return Error(ErrorCode::store_unavailable, "no server runs on " + data_dir_of(cli), "",
               "start it with `" + cli.program + " serve --data " + data_dir_of(cli) +
                   "`, or name its folder with --data");
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

// "a, b" of a list of texts.
std::string joined(const json::value& object, std::string_view field) {
  std::string text;
  const json::value* const list = object.as_object().if_contains(field);
  if (list == nullptr || !list->is_array()) return text;
  for (const json::value& entry : list->as_array()) {
    if (!entry.is_string()) continue;
    if (!text.empty()) text += ", ";
    text += std::string_view(entry.as_string());
  }
  return text;
}

Result<void> add(const Cli& cli, const ClientOptions& options) {
  LK_TRY(Remote console, running_server(cli));
  json::object body{{"name", options.name},
                    {"may", array_of(options.may)},
                    {"organizations", array_of(options.organizations)}};
  LK_TRY(const json::value answer, console.call({"POST", "/clients", std::move(body)}));
  if (cli.json) {
    print_line(format_json(answer));
    return {};
  }
  tell("The client's secret is shown this once; keep it in a file that only the client can read:");
  print_line(text_field(answer, "secret"));
  return {};
}

Result<void> list(const Cli& cli) {
  LK_TRY(Remote console, running_server(cli));
  LK_TRY(const json::value answer, console.call({"GET", "/clients", {}}));
  Table table{{"Name", "May", "Organizations", "Made (UTC)"}, {}};
  for (const json::value& client : list_field(answer, "value")) {
    const std::string organizations = joined(client, "organizations");
    table.rows.push_back({printable(text_field(client, "name")), joined(client, "may"),
                          organizations.empty() ? "all" : printable(organizations),
                          short_time(text_field(client, "createdAt"))});
  }
  print_list(cli, answer, table, "There are no clients.");
  return {};
}

Result<void> remove(const Cli& cli, const ClientOptions& options) {
  LK_TRY(Remote console, running_server(cli));
  if (!options.yes) {
    LK_CHECK(confirm("A gate that uses the secret of '" + printable(options.name) +
                         "' refuses everything from then on.",
                     "yes"));
  }
  LK_CHECK(console.call({"DELETE", "/clients/" + percent_encode(options.name), {}}));
  tell("Client '" + printable(options.name) + "' has ended.");
  return {};
}

void add_add(CLI::App& client, Cli& cli, const Options& options) {
  auto* command = client.add_subcommand("add", "Make a client; prints its secret on stdout alone");
  command->add_option("name", options->name, "Letters, digits, '.', '_' and '-'; at most 64")
      ->required();
  command
      ->add_option("--may", options->may,
                   "What it may do, with commas between: hear the change feed, report uses, ask "
                   "about tokens")
      ->required()
      ->delimiter(',')
      ->check(CLI::IsMember({"feed", "report", "introspect"}));
  command->add_option("--organization", options->organizations,
                      "An organization that it is for; may be given again. Without: all");
  command->footer(
      "The secret is shown this once. What a client may do never changes: to change it, make\n"
      "another and remove the first.\n\n"
      "Example:\n  latchkey client add gate-1 --may feed,report > gate.secret\n"
      "  latchkey client add shop --may introspect --organization fabrikam");
  command->callback([&cli, options] { cli.finish(add(cli, *options)); });
}

}  // namespace

void add_client_commands(CLI::App& root, Cli& cli) {
  auto* client =
      root.add_subcommand("client", "Credentials of gates and resource servers (operators)");
  client->require_subcommand(1);
  client->footer(
      "They use the socket in the data folder of a running server.\n\n"
      "Example:\n  latchkey client list --data ./latchkey-data");
  const auto options = std::make_shared<ClientOptions>();
  add_add(*client, cli, options);

  auto* list_command = client->add_subcommand("list", "List the clients");
  list_command->footer("Example:\n  latchkey client list");
  list_command->callback([&cli] { cli.finish(list(cli)); });

  auto* remove_command = client->add_subcommand("remove", "End a client at once");
  remove_command->add_option("name", options->name, "Name of the client")->required();
  remove_command->add_flag("--yes", options->yes, "Do not ask");
  remove_command->footer(
      "Its secret is refused from then on, and a gate that uses it refuses everything within its\n"
      "bound.\n\nExample:\n  latchkey client remove gate-1 --yes");
  remove_command->callback([&cli, options] { cli.finish(remove(cli, *options)); });
}

}  // namespace latchkey::app
