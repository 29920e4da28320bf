// `latchkey org ...`: organizations, their members and invitations.
#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_prompt.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

struct OrganizationOptions {
  std::string name;
  std::string person;  // e-mail address or id
  std::string role = "member";
  bool yes = false;
};
using Options = std::shared_ptr<OrganizationOptions>;

constexpr std::string_view kBase = "/_latchkey/organizations";

std::string path_of(const std::string& encoded_name, std::string_view rest = "") {
  return std::string(kBase) + "/" + encoded_name + std::string(rest);
}

void print_organization(const Cli& cli, const json::value& organization) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Id", text_field(organization, "id")},
      {"Name", text_field(organization, "name")},
      {"State", text_field(organization, "state")}};
  // Not every answer has it.
  const std::string role = text_field(organization, "role");
  if (!role.empty()) facts.emplace_back("Your role", role);
  facts.emplace_back("Created (UTC)", short_time(text_field(organization, "createdAt")));
  facts.emplace_back("Deleted (UTC)", short_time(text_field(organization, "deletedAt")));
  print_facts(cli, organization, facts);
}

Result<void> list(const Cli& cli) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const json::value answer, remote.call({"GET", std::string(kBase), {}}));
  Table table{{"Name", "State", "Your role", "Id"}, {}};
  for (const json::value& row : list_field(answer, "value")) {
    table.rows.push_back({text_field(row, "name"), text_field(row, "state"),
                          text_field(row, "role"), text_field(row, "id")});
  }
  print_list(cli, answer, table, "No organizations. Make one with `latchkey org create NAME`.");
  return {};
}

Result<void> create(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  const json::value body = {{"name", options.name}};
  LK_TRY(const json::value made, remote.call({"POST", std::string(kBase), body}));
  print_organization(cli, made);
  return {};
}

Result<void> show(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  std::string name = percent_encode(options.name);
  if (name.empty()) LK_CHECK(remote.organization());
  if (name.empty()) name = *remote.organization();
  LK_TRY(const json::value found, remote.call({"GET", path_of(name), {}}));
  print_organization(cli, found);
  return {};
}

Result<void> rename(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  const json::value body = {{"name", options.name}};
  LK_TRY(const json::value changed, remote.call({"PATCH", path_of(organization), body}));
  // The saved default would lead to nothing now.
  LK_TRY(Profile profile, load_profile());
  if (percent_encode(profile.organization) == organization) {
    profile.organization = options.name;
    LK_CHECK(save_profile(profile));
  }
  print_organization(cli, changed);
  return {};
}

Result<void> remove_organization(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  if (!options.yes) {
    LK_CHECK(confirm("All tokens of " + options.name + " will stop working.", options.name));
  }
  LK_CHECK(remote.call({"DELETE", path_of(percent_encode(options.name)), {}}));
  tell("The organization is deleted. For 28 days `latchkey org recover` brings it back.");
  return {};
}

Result<void> recover(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  json::object body;
  if (!options.name.empty()) body["name"] = options.name;
  LK_TRY(const json::value recovered,
         remote.call({"POST", path_of(percent_encode(options.person), "/recover"),
                      json::value(std::move(body))}));
  print_organization(cli, recovered);
  return {};
}

Result<json::value> load_members(Remote& remote) {
  LK_TRY(const std::string organization, remote.organization());
  return remote.call({"GET", path_of(organization, "/members"), {}});
}

const json::value& person_of(const json::value& member) {
  static const json::value kNobody;
  const json::value* person =
      member.is_object() ? member.get_object().if_contains("person") : nullptr;
  return person == nullptr ? kNobody : *person;
}

Result<void> members(const Cli& cli) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const json::value answer, load_members(remote));
  Table table{{"Name", "E-mail", "Role", "State", "Since (UTC)", "Id"}, {}};
  for (const json::value& row : list_field(answer, "value")) {
    const json::value& person = person_of(row);
    table.rows.push_back({text_field(person, "displayName"), text_field(person, "email"),
                          text_field(row, "role"), text_field(person, "state"),
                          short_time(text_field(row, "createdAt")), text_field(person, "id")});
  }
  print_list(cli, answer, table, "No members.");
  return {};
}

// The path of the member who is given by e-mail address or id.
Result<std::string> member_path(Remote& remote, const std::string& person) {
  LK_TRY(const std::string organization, remote.organization());
  LK_TRY(const json::value answer, load_members(remote));
  for (const json::value& row : list_field(answer, "value")) {
    const json::value& member = person_of(row);
    if (ascii_equal_ignoring_case(text_field(member, "email"), person) ||
        ascii_equal_ignoring_case(text_field(member, "id"), person)) {
      return path_of(organization, "/members/" + text_field(member, "id"));
    }
  }
  return Error(ErrorCode::member_unknown, person + " is no member here", "",
               "see `latchkey org members`");
}

Result<void> invite(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  const json::value body = {{"email", options.person}, {"role", options.role}};
  LK_TRY(const json::value answer,
         remote.call({"POST", path_of(organization, "/invitations"), body}));
  if (cli.json) {
    print_line(format_json(answer));
    return {};
  }
  tell("Send this link to " + options.person + "; it works once, until " +
       short_time(text_field(answer, "expiresAt")) + " UTC:");
  print_line(text_field(answer, "link"));
  return {};
}

Result<void> change_role(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string path, member_path(remote, options.person));
  const json::value body = {{"role", options.role}};
  LK_TRY(const json::value changed, remote.call({"PATCH", path, body}));
  if (cli.json) print_line(format_json(changed));
  tell(options.person + " is " + options.role + " now.");
  return {};
}

Result<void> remove_member(const Cli& cli, const OrganizationOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string path, member_path(remote, options.person));
  LK_CHECK(remote.call({"DELETE", path, {}}));
  tell(options.person + " is no member any more; their tokens here have stopped working.");
  return {};
}

void add_organizations(CLI::App& org, Cli& cli, const Options& options) {
  auto* list_command = org.add_subcommand("list", "List your organizations");
  list_command->footer("Example:\n  latchkey org list");
  list_command->callback([&cli] { cli.finish(list(cli)); });

  auto* create_command = org.add_subcommand("create", "Make an organization that you own");
  create_command->add_option("name", options->name, "Letters, digits, hyphens")->required();
  create_command->footer("Example:\n  latchkey org create fabrikam");
  create_command->callback([&cli, options] { cli.finish(create(cli, *options)); });

  auto* show_command = org.add_subcommand("show", "Show an organization");
  show_command->add_option("name", options->name, "Its name or id; default --organization");
  show_command->footer("Example:\n  latchkey org show fabrikam");
  show_command->callback([&cli, options] { cli.finish(show(cli, *options)); });

  auto* rename_command = org.add_subcommand("rename", "Give the organization another name");
  rename_command->add_option("new-name", options->name, "The new name")->required();
  rename_command->footer("Example:\n  latchkey org rename contoso --organization fabrikam");
  rename_command->callback([&cli, options] { cli.finish(rename(cli, *options)); });

  auto* delete_command = org.add_subcommand("delete", "Delete an organization");
  delete_command->add_option("name", options->name, "Its name")->required();
  delete_command->add_flag("--yes", options->yes, "Do not ask");
  delete_command->footer("Example:\n  latchkey org delete fabrikam");
  delete_command->callback([&cli, options] { cli.finish(remove_organization(cli, *options)); });

  auto* recover_command = org.add_subcommand("recover", "Bring a deleted organization back");
  recover_command->add_option("id", options->person, "Its id, from `latchkey org list`")
      ->required();
  recover_command->add_option("--name", options->name, "Another name, if the old one is taken");
  recover_command->footer("Example:\n  latchkey org recover 4ab5bcd8-0000-4000-8000-000000000001");
  recover_command->callback([&cli, options] { cli.finish(recover(cli, *options)); });
}

void add_people(CLI::App& org, Cli& cli, const Options& options) {
  auto* members_command = org.add_subcommand("members", "List who belongs to it");
  members_command->footer("Example:\n  latchkey org members");
  members_command->callback([&cli] { cli.finish(members(cli)); });

  const auto is_role = CLI::IsMember({"reader", "member", "administrator", "owner"});
  auto* invite_command = org.add_subcommand("invite", "Make a one-time link for somebody");
  invite_command->add_option("email", options->person, "Their e-mail address")->required();
  invite_command->add_option("--role", options->role, "reader, member, administrator or owner")
      ->check(is_role);
  invite_command->footer("Example:\n  latchkey org invite ada@example.com --role member");
  invite_command->callback([&cli, options] { cli.finish(invite(cli, *options)); });

  auto* role_command = org.add_subcommand("role", "Change what a member is");
  role_command->add_option("person", options->person, "E-mail address or id")->required();
  role_command->add_option("role", options->role, "reader, member, administrator or owner")
      ->required()
      ->check(is_role);
  role_command->footer("Example:\n  latchkey org role ada@example.com administrator");
  role_command->callback([&cli, options] { cli.finish(change_role(cli, *options)); });

  auto* remove_command = org.add_subcommand("remove", "End a membership");
  remove_command->add_option("person", options->person, "E-mail address or id")->required();
  remove_command->footer("Example:\n  latchkey org remove ada@example.com");
  remove_command->callback([&cli, options] { cli.finish(remove_member(cli, *options)); });
}

}  // namespace

void add_organization_commands(CLI::App& root, Cli& cli) {
  auto* org = root.add_subcommand("org", "Organizations and their members");
  org->require_subcommand(1);
  org->footer("Example:\n  latchkey org list");
  const auto options = std::make_shared<OrganizationOptions>();
  add_organizations(*org, cli, options);
  add_people(*org, cli, options);
}

}  // namespace latchkey::app
