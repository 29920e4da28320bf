// `latchkey token ...` and `latchkey scopes`.
#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_token_request.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr int kPagesMax = 1000;

// "active", "expired" or "revoked", as the list's filter has it.
std::string status_of(const json::value& token, Instant now) {
  if (const std::string status = text_field(token, "status"); !status.empty()) return status;
  const std::string valid_to = text_field(token, "validTo");
  return valid_to < format_date_time(now) ? "expired" : "active";
}

std::vector<std::pair<std::string, std::string>> token_facts(const json::value& token) {
  return {{"Id", text_field(token, "authorizationId")},
          {"Name", text_field(token, "displayName")},
          {"Status", status_of(token, SystemClock().now())},
          {"Scopes", text_field(token, "scope")},
          {"Created (UTC)", short_time(text_field(token, "validFrom"))},
          {"Expires (UTC)", short_time(text_field(token, "validTo"))},
          {"Last used (UTC)", short_time(text_field(token, "lastUsedOn"))},
          {"Last used from", text_field(token, "lastUsedFrom")},
          {"Last used by", text_field(token, "lastUsedBy")}};
}

// The secret alone on stdout, so that TOKEN=$(...) works; the rest for the person on stderr.
void print_issued(const Cli& cli, const json::value& answer, std::string_view what) {
  if (cli.json) {
    print_line(format_json(answer));
    return;
  }
  const json::value& token = answer.as_object().at("patToken");
  tell(format_facts(token_facts(token)) + std::string(what) +
       " This is the only time that the token is shown.");
  print_line(text_field(token, "token"));
}

Result<json::value> pat_of(const json::value& answer) {
  const json::value* token =
      answer.is_object() ? answer.get_object().if_contains("patToken") : nullptr;
  if (token == nullptr || !token->is_object()) {
    return Error(ErrorCode::request_malformed, "the server gave no token", "",
                 "look at the URL given with --server");
  }
  return *token;
}

Result<void> create_token(const Cli& cli, const TokenOptions& options) {
  LK_TRY(const json::value body, create_body(options, SystemClock().now()));
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  LK_TRY(const json::value answer,
         remote.call({"POST", pats_path(organization, ""), body, Delivery::once}));
  LK_CHECK(pat_of(answer));
  print_issued(cli, answer, "The token was made.");
  return {};
}

Result<void> list_tokens(const Cli& cli, const TokenOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  json::array all;
  std::string continuation;
  for (int page = 0; page < kPagesMax; ++page) {
    LK_TRY(
        const json::value answer,
        remote.call({"GET", pats_path(organization, "", list_query(options, continuation)), {}}));
    for (json::value& token : list_field(answer, "patTokens")) all.push_back(std::move(token));
    continuation = text_field(answer, "continuationToken");
    if (continuation.empty()) break;
  }
  Table table{{"Id", "Name", "Status", "Scopes", "Expires (UTC)", "Last used (UTC)"}, {}};
  const Instant now = SystemClock().now();
  for (const json::value& token : all) {
    const std::string status =
        options.state == "all" || options.state == "active" ? status_of(token, now) : options.state;
    table.rows.push_back({text_field(token, "authorizationId"), text_field(token, "displayName"),
                          status, text_field(token, "scope"),
                          short_time(text_field(token, "validTo")),
                          short_time(text_field(token, "lastUsedOn"))});
  }
  const bool some_hidden = options.state != "all" || !options.search.empty();
  print_list(cli, {{"continuationToken", ""}, {"patTokens", std::move(all)}}, table,
             some_hidden ? "No such tokens. `latchkey token list --state all` shows all, "
                           "`latchkey token create` makes one."
                         : "No tokens. Make one with `latchkey token create`.");
  return {};
}

Result<void> show_token(const Cli& cli, const TokenOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  const std::string query = "authorizationId=" + percent_encode(options.id);
  LK_TRY(const json::value answer, remote.call({"GET", pats_path(organization, "", query), {}}));
  LK_TRY(const json::value token, pat_of(answer));
  print_facts(cli, answer, token_facts(token));
  return {};
}

Result<void> edit_token(const Cli& cli, const TokenOptions& options) {
  LK_TRY(const json::value body, update_body(options, SystemClock().now()));
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  LK_TRY(const json::value answer, remote.call({"PUT", pats_path(organization, ""), body}));
  LK_TRY(const json::value token, pat_of(answer));
  print_facts(cli, answer, token_facts(token));
  return {};
}

Result<void> regenerate_token(const Cli& cli, const TokenOptions& options) {
  LK_TRY(const std::string valid_to, valid_to_text(options, SystemClock().now()));
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  json::object body;
  if (!valid_to.empty()) body["validTo"] = valid_to;
  const std::string path =
      pats_path(organization, "/" + percent_encode(options.id) + "/regenerate");
  LK_TRY(const json::value answer,
         remote.call({"POST", path, json::value(std::move(body)), Delivery::once}));
  LK_CHECK(pat_of(answer));
  print_issued(cli, answer, "The token has a new secret; the old one is dead.");
  return {};
}

Result<void> revoke_token(const Cli& cli, const TokenOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  const std::string id = percent_encode(options.id);
  const std::string path = options.as_administrator
                               ? "/_latchkey/organizations/" + organization + "/tokens/" + id
                               : pats_path(organization, "", "authorizationId=" + id);
  LK_CHECK(remote.call({"DELETE", path, {}}));
  tell("The token is revoked.");
  return {};
}

Result<void> list_scopes(const Cli& cli, bool all) {
  LK_TRY(Remote remote, Remote::anonymous(cli));
  LK_TRY(const json::value answer, remote.call({"GET", "/_latchkey/scopes", {}}));
  Table table{{"Scope", "Category", "Level", "What it allows"}, {}};
  for (const json::value& scope : list_field(answer, "value")) {
    const json::value* shown = scope.as_object().if_contains("grantable");
    if (!all && (shown == nullptr || !shown->is_bool() || !shown->get_bool())) continue;
    table.rows.push_back({text_field(scope, "identifier"), text_field(scope, "category"),
                          text_field(scope, "level"), text_field(scope, "description")});
  }
  print_list(cli, answer, table, "No scopes.");
  return {};
}

void add_expiry(CLI::App& command, TokenOptions& options) {
  command.add_option("--days", options.days, "Days until it expires: 30, 60 or 90")
      ->check(CLI::IsMember({30, 60, 90}));
  command.add_option("--until", options.until, "The last day (UTC), as 2026-12-01");
}

using Options = std::shared_ptr<TokenOptions>;

void add_create(CLI::App& token, Cli& cli, const Options& options) {
  auto* command = token.add_subcommand("create", "Make a token; prints it on stdout alone");
  command->add_option("--name", options->name, "What the token is for")->required();
  command->add_option("--scope", options->scopes, "A scope of `latchkey scopes`; may be repeated")
      ->required();
  add_expiry(*command, *options);
  command->footer(
      "Without --days and --until it expires after 30 days.\n\nExample:\n"
      "  TOKEN=$(latchkey token create --name build --scope vso.project --days 30)");
  command->callback([&cli, options] { cli.finish(create_token(cli, *options)); });
}

void add_list(CLI::App& token, Cli& cli, const Options& options) {
  auto* command = token.add_subcommand("list", "List your tokens");
  command->add_option("--state", options->state, "active, expired, revoked or all")
      ->check(CLI::IsMember({"active", "expired", "revoked", "all"}));
  command
      ->add_option("--sort", options->sort, "createdOn, displayName, status, expiresOn, lastUsedOn")
      ->check(CLI::IsMember({"createdOn", "displayName", "status", "expiresOn", "lastUsedOn"}));
  command->add_flag("--ascending", options->ascending, "The first first");
  command->add_option("--search", options->search, "Part of the name");
  command->footer("Example:\n  latchkey token list --state all --sort expiresOn --ascending");
  command->callback([&cli, options] { cli.finish(list_tokens(cli, *options)); });
}

void add_changes(CLI::App& token, Cli& cli, const Options& options) {
  constexpr const char* kId = "Id of the token, from `latchkey token list`";
  auto* show = token.add_subcommand("show", "Show one token");
  show->add_option("id", options->id, kId)->required();
  show->footer("Example:\n  latchkey token show 4ab5bcd8-0000-4000-8000-000000000001");
  show->callback([&cli, options] { cli.finish(show_token(cli, *options)); });

  auto* edit = token.add_subcommand("edit", "Change name, scopes or expiry");
  edit->add_option("id", options->id, kId)->required();
  edit->add_option("--name", options->name, "The new name");
  edit->add_option("--scope", options->scopes, "All scopes that it is to have; may be repeated");
  add_expiry(*edit, *options);
  edit->footer("Example:\n  latchkey token edit 4ab5bcd8-0000-4000-8000-000000000001 --days 90");
  edit->callback([&cli, options] { cli.finish(edit_token(cli, *options)); });

  auto* regenerate = token.add_subcommand("regenerate", "Give a token a new secret");
  regenerate->add_option("id", options->id, kId)->required();
  add_expiry(*regenerate, *options);
  regenerate->footer(
      "Example:\n  TOKEN=$(latchkey token regenerate "
      "4ab5bcd8-0000-4000-8000-000000000001)");
  regenerate->callback([&cli, options] { cli.finish(regenerate_token(cli, *options)); });

  auto* revoke = token.add_subcommand("revoke", "End a token for good");
  revoke->add_option("id", options->id, kId)->required();
  revoke->add_flag("--as-administrator", options->as_administrator,
                   "A token of anybody in the organization");
  revoke->footer("Example:\n  latchkey token revoke 4ab5bcd8-0000-4000-8000-000000000001");
  revoke->callback([&cli, options] { cli.finish(revoke_token(cli, *options)); });
}

}  // namespace

void add_token_commands(CLI::App& root, Cli& cli) {
  auto* token = root.add_subcommand("token", "Make and manage your tokens");
  token->require_subcommand(1);
  token->footer("Example:\n  latchkey token list");
  const auto options = std::make_shared<TokenOptions>();
  add_create(*token, cli, options);
  add_list(*token, cli, options);
  add_changes(*token, cli, options);

  const auto all = std::make_shared<bool>(false);
  auto* scopes = root.add_subcommand("scopes", "List the scopes that a token can have");
  scopes->add_flag("--all", *all, "Also those that no token can be given");
  scopes->footer("Example:\n  latchkey scopes");
  scopes->callback([&cli, all] { cli.finish(list_scopes(cli, *all)); });
}

}  // namespace latchkey::app
