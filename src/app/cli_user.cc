// `latchkey user ...` and `latchkey outbox`: people, one's own password and sessions, one's mails.
#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_prompt.h"
#include "app/reveal.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

struct UserOptions {
  std::string person;  // e-mail address or id
  std::string session;
  bool end_others = false;
  bool password_stdin = false;
};
using Options = std::shared_ptr<UserOptions>;

// The operator's way to people: the console where its socket is, or the API as an operator.
struct Directory {
  Remote remote;
  bool is_console;

  std::string path(const std::string& rest) const {
    return (is_console ? "/people" : "/_latchkey/people") + rest;
  }
};

Result<Directory> open_directory(const Cli& cli) {
  // A server that is named is meant, also where another one's data folder is at hand.
  if (cli.server.empty() || !cli.data_dir.empty()) {
    if (auto console = Remote::console(cli)) return Directory{std::move(*console), true};
  }
  // Who names a folder does not mean the server of the last sign-in.
  if (!cli.data_dir.empty()) {
    return usage_error("there is no running server with its data in " + cli.data_dir,
                       "start `latchkey serve`, or name its folder with --data");
  }
  LK_TRY(Remote remote, Remote::signed_in(cli));
  return Directory{std::move(remote), false};
}

Result<json::value> find_person(Directory& directory, const std::string& email_or_id) {
  LK_TRY(const json::value answer, directory.remote.call({"GET", directory.path(""), {}}));
  for (const json::value& person : list_field(answer, "value")) {
    if (ascii_equal_ignoring_case(text_field(person, "email"), email_or_id) ||
        ascii_equal_ignoring_case(text_field(person, "id"), email_or_id)) {
      return person;
    }
  }
  return Error(ErrorCode::person_unknown, "nobody here is " + email_or_id, "",
               "see `latchkey user list`");
}

bool is_operator(const json::value& person) {
  const json::value* flag = person.as_object().if_contains("isOperator");
  return flag != nullptr && flag->is_bool() && flag->get_bool();
}

void print_person(const Cli& cli, const json::value& person) {
  print_facts(cli, person,
              {{"Id", text_field(person, "id")},
               {"Name", text_field(person, "displayName")},
               {"E-mail", text_field(person, "email")},
               {"State", text_field(person, "state")},
               {"Operator", is_operator(person) ? "yes" : "no"},
               {"Created (UTC)", short_time(text_field(person, "createdAt"))},
               {"Last sign-in (UTC)", short_time(text_field(person, "lastSignInAt"))}});
}

Result<void> list(const Cli& cli) {
  LK_TRY(Directory directory, open_directory(cli));
  LK_TRY(const json::value answer, directory.remote.call({"GET", directory.path(""), {}}));
  Table table{{"Name", "E-mail", "State", "Operator", "Last sign-in (UTC)", "Id"}, {}};
  for (const json::value& person : list_field(answer, "value")) {
    table.rows.push_back({text_field(person, "displayName"), text_field(person, "email"),
                          text_field(person, "state"), is_operator(person) ? "yes" : "no",
                          short_time(text_field(person, "lastSignInAt")),
                          text_field(person, "id")});
  }
  print_list(cli, answer, table, "Nobody is here. Begin with `latchkey setup`.");
  return {};
}

Result<void> show(const Cli& cli, const UserOptions& options) {
  LK_TRY(Directory directory, open_directory(cli));
  LK_TRY(const json::value person, find_person(directory, options.person));
  print_person(cli, person);
  return {};
}

Result<void> set_state(const Cli& cli, const UserOptions& options, std::string_view state) {
  LK_TRY(Directory directory, open_directory(cli));
  LK_TRY(const json::value person, find_person(directory, options.person));
  const std::string id = "/" + text_field(person, "id");
  const json::value body = {{"state", state}};
  const Call call = directory.is_console ? Call{"POST", directory.path(id + "/state"), body}
                                         : Call{"PATCH", directory.path(id), body};
  LK_TRY(const json::value changed, directory.remote.call(call));
  if (cli.json) print_line(format_json(changed));
  tell(text_field(person, "email") +
       (state == "disabled" ? " is disabled: no sign-in, and none of their tokens works."
                            : " is active again, and so are their tokens."));
  return {};
}

Result<void> make_reset_link(const Cli& cli, const UserOptions& options) {
  LK_TRY(Directory directory, open_directory(cli));
  LK_TRY(const json::value person, find_person(directory, options.person));
  const std::string path = directory.path("/" + text_field(person, "id") + "/reset-link");
  LK_TRY(const json::value answer, directory.remote.call({"POST", path, json::object()}));
  if (cli.json) {
    print_line(format_json(answer));
    return {};
  }
  tell("Send this link to " + text_field(person, "email") + "; it works once, until " +
       short_time(text_field(answer, "expiresAt")) + " UTC:");
  print_line(text_field(answer, "link"));
  return {};
}

Result<void> change_password(const Cli& cli, const UserOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  const auto source =
      options.password_stdin ? SecretSource::standard_input : SecretSource::terminal;
  LK_TRY(const SecretText old_password, ask_secret("Old password", source));
  LK_TRY(const SecretText new_password, ask_new_password(source));
  const json::value body = {{"oldPassword", reveal_for_body(old_password)},
                            {"newPassword", reveal_for_body(new_password)}};
  LK_CHECK(remote.call({"POST", "/_latchkey/me/password", body}));
  tell("The password is changed; your other sessions have ended.");
  return {};
}

Result<void> sessions(const Cli& cli, const UserOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  if (!options.session.empty()) {
    LK_CHECK(remote.call({"DELETE", "/_latchkey/sessions/" + percent_encode(options.session), {}}));
    tell("The session has ended.");
    return {};
  }
  if (options.end_others) {
    LK_CHECK(remote.call({"DELETE", "/_latchkey/sessions", {}}));
    tell("Your other sessions have ended.");
    return {};
  }
  LK_TRY(const json::value answer, remote.call({"GET", "/_latchkey/sessions", {}}));
  Table table{{"Id", "Since (UTC)", "Last seen (UTC)", "Ends (UTC)", "From", "With"}, {}};
  for (const json::value& row : list_field(answer, "value")) {
    const json::value* current = row.as_object().if_contains("isCurrent");
    const bool is_current = current != nullptr && current->is_bool() && current->get_bool();
    table.rows.push_back({text_field(row, "id"), short_time(text_field(row, "createdAt")),
                          short_time(text_field(row, "lastSeenAt")),
                          short_time(text_field(row, "expiresAt")), text_field(row, "address"),
                          text_field(row, "userAgent") + (is_current ? " (this one)" : "")});
  }
  print_list(cli, answer, table, "No sessions.");
  return {};
}

Result<void> outbox(const Cli& cli) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const json::value answer, remote.call({"GET", "/_latchkey/me/outbox", {}}));
  if (cli.json) {
    print_line(format_json(answer));
    return {};
  }
  const auto mails = list_field(answer, "value");
  if (mails.empty()) tell("No mails.");
  for (const json::value& mail : mails) {
    const std::string sent = text_field(mail, "sentAt");
    const std::string error = text_field(mail, "lastError");
    std::string waits = "not yet";
    if (!error.empty()) waits += " (" + error + ")";
    print_line("To:      " + printable(text_field(mail, "recipient")));
    print_line("Date:    " + short_time(text_field(mail, "createdAt")) + " UTC");
    print_line("Sent:    " + printable(sent.empty() ? waits : short_time(sent) + " UTC"));
    print_line("Subject: " + printable(text_field(mail, "subject")) + "\n");
    const std::string body = text_field(mail, "body");
    for (const std::string_view line : split(body, '\n')) {
      print_line(line.empty() ? "" : "  " + printable(line));
    }
  }
  return {};
}

void add_operator_commands(CLI::App& user, Cli& cli, const Options& options) {
  auto* list_command = user.add_subcommand("list", "List everybody (operators)");
  list_command->footer("Example:\n  latchkey user list --data ./latchkey-data");
  list_command->callback([&cli] { cli.finish(list(cli)); });

  auto* show_command = user.add_subcommand("show", "Show a person (operators)");
  show_command->footer("Example:\n  latchkey user show ada@example.com");
  show_command->callback([&cli, options] { cli.finish(show(cli, *options)); });

  auto* disable = user.add_subcommand("disable", "Stop a person and their tokens (operators)");
  disable->footer("Example:\n  latchkey user disable ada@example.com");
  disable->callback([&cli, options] { cli.finish(set_state(cli, *options, "disabled")); });

  auto* enable = user.add_subcommand("enable", "Let a disabled person in again (operators)");
  enable->footer("Example:\n  latchkey user enable ada@example.com");
  enable->callback([&cli, options] { cli.finish(set_state(cli, *options, "active")); });

  auto* reset = user.add_subcommand("reset-link", "Make a link to set a new password (operators)");
  reset->footer("Example:\n  latchkey user reset-link ada@example.com");
  reset->callback([&cli, options] { cli.finish(make_reset_link(cli, *options)); });

  for (CLI::App* command : {show_command, disable, enable, reset}) {
    command->add_option("person", options->person, "E-mail address or id")->required();
  }
}

void add_own_commands(CLI::App& user, Cli& cli, const Options& options) {
  auto* password = user.add_subcommand("password", "Change your password");
  password->add_flag("--password-stdin", options->password_stdin,
                     "Read the old and the new one from two lines of stdin");
  password->footer("Example:\n  latchkey user password");
  password->callback([&cli, options] { cli.finish(change_password(cli, *options)); });

  auto* sessions_command = user.add_subcommand("sessions", "List or end your sessions");
  sessions_command->add_option("--end", options->session, "Id of a session to end");
  sessions_command->add_flag("--end-others", options->end_others, "End all but this one");
  sessions_command->footer("Example:\n  latchkey user sessions --end-others");
  sessions_command->callback([&cli, options] { cli.finish(sessions(cli, *options)); });
}

}  // namespace

void add_user_commands(CLI::App& root, Cli& cli) {
  auto* user = root.add_subcommand("user", "People, your password and your sessions");
  user->require_subcommand(1);
  user->footer(
      "Operators' commands use the socket in the data folder if it is there, otherwise the\n"
      "server, where the person who is signed in must be an operator.\n\n"
      "Example:\n  latchkey user list");
  const auto options = std::make_shared<UserOptions>();
  add_operator_commands(*user, cli, options);
  add_own_commands(*user, cli, options);

  auto* outbox_command = root.add_subcommand("outbox", "Read the mails that were made for you");
  outbox_command->footer("Example:\n  latchkey outbox");
  outbox_command->callback([&cli] { cli.finish(outbox(cli)); });
}

}  // namespace latchkey::app
