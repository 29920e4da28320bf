// `latchkey gate check` and `gate explain`: what an API's own description makes of its routes.
//
// Both read files only; no server is asked and nothing is changed.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "app/cli.h"
#include "app/cli_config.h"
#include "app/cli_gate.h"
#include "app/cli_gate_run.h"
#include "app/cli_output.h"
#include "app/cli_tree.h"
#include "base/text.h"
#include "gate/guarded_routes.h"
#include "gate/openapi.h"
#include "gate/route_report.h"

namespace latchkey::app {
namespace {

struct GateOptions {
  std::string config_file;
  std::vector<std::string> files;
  std::optional<std::string> base_path;
  bool any_one_scope = false;
  std::vector<std::string> open_operations;
  std::string method;
  std::string url;
};

Error bad_file(const std::string& file, const std::string& what) {
  return Error(ErrorCode::configuration, file + ": " + what, file);
}

Result<std::string> read_document(const std::string& file) {
  std::error_code error;
  const auto size_bytes = std::filesystem::file_size(file, error);
  if (error) return bad_file(file, "cannot be read: " + error.message());
  if (size_bytes > gate::kDocumentBytesMax) {
    return bad_file(file, "is over " + std::to_string(gate::kDocumentBytesMax) + " bytes");
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text(size_bytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream) return bad_file(file, "cannot be read");
  return text;
}

struct Documents {
  gate::OpenApiDocument all;
  std::map<std::string, std::string> file_of;  // "GET /path" to the first file that has it
};

Result<Documents> load_documents(const GateOptions& options) {
  Documents documents;
  for (const std::string& file : options.files) {
    LK_TRY(const std::string text, read_document(file));
    auto loaded = gate::load_openapi(text, {options.base_path, gate::FindingRule::collect});
    if (!loaded) return bad_file(file, loaded.error().message);
    for (gate::Operation& operation : loaded->operations) {
      documents.file_of.emplace(operation.method + " " + operation.path, file);
      documents.all.operations.push_back(std::move(operation));
    }
    for (gate::Finding& finding : loaded->findings) {
      documents.all.findings.push_back({file + ": " + finding.place, std::move(finding.rule)});
    }
  }
  return documents;
}

Result<gate::GuardedRoutes> guard(const GateOptions& options, const Documents& documents) {
  gate::GuardOptions rules;
  rules.scope_list = options.any_one_scope ? gate::ScopeList::any_one : gate::ScopeList::all;
  rules.unknown_scopes = gate::UnknownScopes::need_full_access;
  rules.open_operations = {options.open_operations.begin(), options.open_operations.end()};
  auto routes =
      gate::GuardedRoutes::build(core::ScopeCatalog::built_in(), documents.all.operations, rules);
  if (routes) return routes;
  const auto file = documents.file_of.find(routes.error().field);
  if (file == documents.file_of.end()) return routes.error();
  return bad_file(file->second, routes.error().message);
}

std::vector<std::string> finding_sentences(const Documents& documents) {
  std::vector<std::string> sentences;
  for (const gate::Finding& finding : documents.all.findings) {
    sentences.push_back(finding.place + " " + finding.rule);
  }
  return sentences;
}

Result<void> check(const Cli& cli, const GateOptions& options) {
  LK_TRY(const Documents documents, load_documents(options));
  LK_TRY(const gate::GuardedRoutes routes, guard(options, documents));
  const gate::RouteReport report = gate::report_routes(routes.operations());
  const auto findings = finding_sentences(documents);
  const auto unknown = unknown_scope_sentences(routes);
  if (cli.json) {
    print_line(format_json({{"operations", report.operations},
                            {"open", report.open},
                            {"anyToken", json_texts(report.any_token)},
                            {"unknownScopes", json_texts(unknown)},
                            {"ambiguous", json_texts(report.ambiguous)},
                            {"hidden", json_texts(report.hidden)},
                            {"findings", json_texts(findings)},
                            {"isComplete", report.is_complete}}));
    return {};
  }
  print_line("The documents are good: " + std::to_string(report.operations) + " operations, " +
             std::to_string(report.open) + " open to anybody.");
  print_sentences("Any good token opens", report.any_token);
  print_sentences("Scopes that the catalog does not have", unknown);
  print_sentences("Ambiguous", report.ambiguous);
  print_sentences("Hidden", report.hidden);
  print_sentences("Findings", findings);
  if (!report.is_complete) tell("There is more; not all pairs of routes were compared.");
  return {};
}

// The path of a URL, or of what is only a path with a query.
Result<std::string> path_of(const std::string& url) {
  std::string path = url;
  if (const size_t authority = path.find("://"); authority != path.npos) {
    const size_t slash = path.find('/', authority + 3);
    path = slash == path.npos ? "/" : path.substr(slash);
  }
  path = path.substr(0, path.find_first_of("?#"));
  if (path.starts_with('/')) return path;
  return usage_error("'" + url + "' is no URL and no path",
                     "give https://HOST/PATH, or /PATH as it would be sent");
}

Result<void> explain(const Cli& cli, const GateOptions& options) {
  LK_TRY(const std::string path, path_of(options.url));
  LK_TRY(const Documents documents, load_documents(options));
  LK_TRY(const gate::GuardedRoutes routes, guard(options, documents));
  const auto match = routes.match(options.method, path);
  if (!match) return explain_no_match(match.error(), options.method);
  const gate::GuardedOperation& found = *match->operation;
  const std::string place = found.operation.method + " " + found.operation.path;
  const std::string scopes = found.is_open ? "none: it is open to anybody"
                                           : gate::describe_alternatives(found.alternatives);
  json::object parameters;
  for (const gate::PathParameter& parameter : match->route.parameters) {
    parameters[parameter.name] = parameter.value;
  }
  print_facts(cli,
              json::object{{"operationId", found.operation.operation_id},
                           {"method", found.operation.method},
                           {"path", found.operation.path},
                           {"document", documents.file_of.at(place)},
                           {"parameters", std::move(parameters)},
                           {"alternatives", json_alternatives(found)},
                           {"unknownScopes", json_texts(found.unknown_scopes)},
                           {"isOpen", found.is_open}},
              {{"Operation", found.operation.operation_id},
               {"Route", place},
               {"Document", documents.file_of.at(place)},
               {"Parameters", format_parameters(match->route.parameters)},
               {"Scopes", scopes}});
  if (!found.unknown_scopes.empty() && !cli.json) {
    tell("The catalog does not have " + found.unknown_scopes[0] +
         ": until it is declared, only full access opens this operation.");
  }
  return {};
}

// One or the other: documents, or a configuration with hosts, rules and ready sets.
Result<void> need_one_source(const GateOptions& options) {
  if (options.files.empty() != options.config_file.empty()) return {};
  return usage_error(
      options.files.empty() ? "nothing to look at" : "a document and --config are given together",
      "give documents, or --config FILE with [[gate.api]] tables");
}

Result<void> check_either(const Cli& cli, const GateOptions& options) {
  LK_CHECK(need_one_source(options));
  if (options.config_file.empty()) return check(cli, options);
  return check_gate_config(cli, options.config_file);
}

Result<void> explain_either(const Cli& cli, const GateOptions& options) {
  LK_CHECK(need_one_source(options));
  if (options.config_file.empty()) return explain(cli, options);
  return explain_gate_config(cli, options.config_file, options.method, options.url);
}

void add_document_options(CLI::App& command, GateOptions& options) {
  command
      .add_option("--config", options.config_file,
                  "Configuration with [[gate.api]] tables, in the place of documents")
      ->type_name(kFileType);
  command.add_option("--base-path", options.base_path,
                     "Where the paths begin, in the place of what the documents say");
  command.add_flag("--any-scope", options.any_one_scope,
                   "Of several scopes in one entry any one is enough (Azure DevOps's files)");
  command.add_option("--open", options.open_operations,
                     "Operation that anybody may call, if its document says so; can be repeated");
}

// What a gate of its own reads of the configuration; the rest is a server's.
bool is_for_a_gate(std::string_view key) {
  for (const std::string_view prefix : {"gate.", "operations.", "log.", "limits."}) {
    if (key.starts_with(prefix)) return true;
  }
  return key == "listen.threads" || key == "tls.minimum_version" || key == "public_url";
}

}  // namespace

json::array json_texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

json::array json_alternatives(const gate::GuardedOperation& operation) {
  json::array alternatives;
  for (const auto& names : operation.alternatives) alternatives.emplace_back(json_texts(names));
  return alternatives;
}

void print_sentences(const std::string& title, const std::vector<std::string>& sentences) {
  if (sentences.empty()) return;
  print_line("\n" + title + " (" + std::to_string(sentences.size()) + "):");
  for (const std::string& sentence : sentences) print_line("  " + printable(sentence));
}

std::vector<std::string> unknown_scope_sentences(const gate::GuardedRoutes& routes) {
  std::map<std::string, size_t> counts;
  for (const gate::GuardedOperation& operation : routes.operations()) {
    for (const std::string& scope : operation.unknown_scopes) ++counts[scope];
  }
  std::vector<std::string> sentences;
  for (const auto& [scope, count] : counts) {
    sentences.push_back(scope + ", asked for by " + std::to_string(count) +
                        (count == 1 ? " operation" : " operations"));
  }
  return sentences;
}

Error explain_no_match(const Error& error, const std::string& method) {
  if (error.code == ErrorCode::request_malformed) {
    return Error(ErrorCode::conflict, error.message, "", "a gate answers 400, whoever asks");
  }
  if (error.code == ErrorCode::method_not_allowed) {
    return Error(ErrorCode::conflict, "no operation has the method " + method + " at this path", "",
                 "it has " + error.detail + "; a gate answers 405");
  }
  return Error(ErrorCode::conflict, "no operation has this path", "",
               "a gate answers 404 to who has a good token, 401 to others");
}

std::string format_parameters(const std::vector<gate::PathParameter>& parameters) {
  std::string text;
  for (const gate::PathParameter& parameter : parameters) {
    text += (text.empty() ? "" : ", ") + std::string(parameter.name) + " = " + parameter.value;
  }
  return text.empty() ? "-" : text;
}

void add_gate_commands(CLI::App& root, Cli& cli) {
  auto* group = root.add_subcommand("gate", "Run a gate of its own, or look at what it would do");
  group->require_subcommand(0, 1);
  auto run_options = std::make_shared<ConfigOptions>();
  add_config_options(*group, *run_options, is_for_a_gate);
  group->footer(
      "The gate hears the server at --server with the secret in --credential-file, which\n"
      "`latchkey client add NAME --may feed,report` prints there, and answers for the APIs of\n"
      "[[gate.api]] in --config. It refuses everything while it does not know which tokens are\n"
      "good. SIGHUP reads the APIs anew.\n\n"
      "Example:\n  latchkey gate --server https://tokens.example.com --credential-file gate.secret "
      "\\\n"
      "    --config gate.toml\n"
      "  latchkey gate check openapi.yaml");
  group->callback([&cli, group, run_options] {
    if (group->get_subcommands().empty()) cli.finish(run_gate(cli, *run_options));
  });

  auto* check_command = group->add_subcommand("check", "Look for what a gate could get wrong");
  auto check_options = std::make_shared<GateOptions>();
  check_command->add_option("FILE", check_options->files,
                            "OpenAPI 3.0 or 3.1 or Swagger 2.0, JSON or YAML");
  add_document_options(*check_command, *check_options);
  check_command->footer(
      "A document that leaves open who may call an operation is refused, with the place named.\n\n"
      "Example:\n  latchkey gate check openapi.yaml\n"
      "  latchkey gate check --config /etc/latchkey/latchkey.toml");
  check_command->callback([&cli, check_options] { cli.finish(check_either(cli, *check_options)); });

  auto* explain_command =
      group->add_subcommand("explain", "Say which operation a request is, and what opens it");
  auto explain_options = std::make_shared<GateOptions>();
  explain_command->add_option("METHOD", explain_options->method, "GET, POST, ...")->required();
  explain_command->add_option("URL", explain_options->url, "URL or path")->required();
  explain_command->add_option("--openapi", explain_options->files, "Document; can be repeated");
  add_document_options(*explain_command, *explain_options);
  explain_command->footer(
      "Example:\n  latchkey gate explain GET https://api.example.com/v1/things/7 --openapi "
      "openapi.yaml");
  explain_command->callback(
      [&cli, explain_options] { cli.finish(explain_either(cli, *explain_options)); });
}

}  // namespace latchkey::app
