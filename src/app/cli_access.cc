// `latchkey setup`, `login` and `logout`: how a session comes and goes.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_prompt.h"
#include "app/reveal.h"

namespace latchkey::app {
namespace {

struct SetupOptions {
  std::string name;
  std::string email;
  bool password_stdin = false;
};

SecretSource source_of(bool password_stdin) {
  return password_stdin ? SecretSource::standard_input : SecretSource::terminal;
}

// Keeps the session of `answer` for the commands that follow.
Result<void> keep_session(const json::value& answer, std::string server, std::string organization,
                          const std::string& ca_file) {
  const json::value* session = answer.as_object().if_contains("session");
  const std::string text = session == nullptr ? "" : text_field(*session, "token");
  if (text.empty()) {
    return Error(ErrorCode::request_malformed, "the server gave no session", "",
                 "look at the URL given with --server");
  }
  Profile profile;
  profile.server = std::move(server);
  profile.organization = std::move(organization);
  // The next command may run in another folder.
  if (!ca_file.empty()) profile.ca_file = std::filesystem::absolute(ca_file).string();
  profile.session = SecretText(text);
  return save_profile(profile);
}

Result<void> ask_if_missing(std::string& value, std::string_view question, std::string_view flag) {
  if (!value.empty()) return {};
  LK_TRY(value, ask(question, flag));
  return {};
}

Result<void> set_up(const Cli& cli, SetupOptions options) {
  auto console = Remote::console(cli);
  if (!console) {
    return usage_error("there is no running server with its data in " + data_dir_of(cli),
                       "start `latchkey serve`, or name its folder with --data");
  }
  LK_TRY(const json::value status, console->call({"GET", "/status", {}}));
  if (!status.as_object().at("needsSetup").as_bool()) {
    return Error(ErrorCode::conflict, "this installation is set up already", "",
                 "sign in with `latchkey login`");
  }
  std::string organization = cli.organization;
  LK_CHECK(
      ask_if_missing(organization, "Organization (letters, digits, hyphens)", "--organization"));
  LK_CHECK(ask_if_missing(options.name, "Your name", "--name"));
  LK_CHECK(ask_if_missing(options.email, "Your e-mail address", "--email"));
  LK_TRY(const SecretText password, ask_new_password(source_of(options.password_stdin)));
  const json::value body = {{"organization", organization},
                            {"displayName", options.name},
                            {"email", options.email},
                            {"password", reveal_for_body(password)}};
  LK_TRY(const json::value answer, console->call({"POST", "/setup", body}));
  const std::string server = cli.server.empty() ? text_field(status, "serverUrl") : cli.server;
  LK_CHECK(keep_session(answer, server, organization, cli.ca_file));
  tell("You are the first person here and own the organization " + organization + ".");
  tell("You are signed in at " + server + ". Make a token with:");
  tell("  latchkey token create --name build --scope vso.project --days 30");
  return {};
}

// The only organization of the person, so that it need not be named in each command.
std::string only_organization(const json::value& me) {
  const auto organizations = list_field(me, "organizations");
  return organizations.size() == 1 ? text_field(organizations.front(), "name") : "";
}

Result<void> log_in(const Cli& cli, SetupOptions options) {
  LK_TRY(Remote remote, Remote::anonymous(cli));
  LK_CHECK(ask_if_missing(options.email, "E-mail address", "--email"));
  LK_TRY(const SecretText password, ask_secret("Password", source_of(options.password_stdin)));
  const json::value body = {{"email", options.email}, {"password", reveal_for_body(password)}};
  auto answer = remote.call({"POST", "/_latchkey/sessions", body});
  if (!answer) {
    Error error = std::move(answer).error();
    if (error.code == ErrorCode::session_unknown) error.detail = "check e-mail and password";
    return error;
  }
  LK_CHECK(keep_session(*answer, remote.server(), cli.organization, remote.ca_file()));
  LK_TRY(Remote signed_in, Remote::signed_in(cli));
  LK_TRY(const json::value me, signed_in.call({"GET", "/_latchkey/me", {}}));
  const std::string organization =
      cli.organization.empty() ? only_organization(me) : cli.organization;
  LK_CHECK(keep_session(*answer, remote.server(), organization, remote.ca_file()));
  tell("Signed in at " + remote.server() + " as " + text_field(me, "displayName") +
       (organization.empty() ? ". Name an organization with --organization."
                             : ", organization " + organization + "."));
  return {};
}

Result<void> log_out(const Cli& cli) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  const auto ended = remote.call({"DELETE", "/_latchkey/sessions/current", {}});
  // A session that the server does not know any more is over too.
  if (!ended && ended.error().code != ErrorCode::session_unknown) return ended.error();
  LK_CHECK(delete_profile());
  tell("Signed out at " + remote.server() + ".");
  return {};
}

}  // namespace

void add_access_commands(CLI::App& root, Cli& cli) {
  const auto options = std::make_shared<SetupOptions>();
  auto* setup = root.add_subcommand("setup", "Make the first person and organization");
  setup->add_option("--name", options->name, "Your name");
  setup->add_option("--email", options->email, "Your e-mail address, to sign in with");
  setup->add_flag("--password-stdin", options->password_stdin, "Read the password from stdin");
  setup->footer(
      "Talks to the running server through the socket in its data folder, which only its owner\n"
      "may open. Asks for what is not given. The name of the organization is --organization.\n\n"
      "Example:\n  latchkey setup --data ./latchkey-data --organization fabrikam "
      "--email you@example.com --name \"Your Name\"");
  setup->callback([&cli, options] { cli.finish(set_up(cli, *options)); });

  auto* login = root.add_subcommand("login", "Sign in and keep the session for other commands");
  login->add_option("--email", options->email, "Your e-mail address");
  login->add_flag("--password-stdin", options->password_stdin, "Read the password from stdin");
  login->footer(
      "Example:\n  latchkey login --server https://tokens.example.com "
      "--email you@example.com");
  login->callback([&cli, options] { cli.finish(log_in(cli, *options)); });

  auto* logout = root.add_subcommand("logout", "End the session");
  logout->footer("Example:\n  latchkey logout");
  logout->callback([&cli] { cli.finish(log_out(cli)); });
}

}  // namespace latchkey::app
