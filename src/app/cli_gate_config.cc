#include <map>

#include "app/cli_gate.h"
#include "app/cli_output.h"
#include "app/declared_scopes.h"
#include "app/gate_config.h"
#include "base/text.h"
#include "gate/api_report.h"

namespace latchkey::app {
namespace {

// With the scopes that `file` declares. Which number each has is the store's to say, and counts for
// tokens only.
Result<core::ScopeCatalog> catalog_of(const std::string& file) {
  LK_TRY(auto declared, read_declared_scopes(file));
  LK_CHECK(core::check_declared_scopes(declared));
  std::vector<core::NumberedScope> numbered;
  for (core::DeclaredScope& scope : declared) {
    const auto number = static_cast<uint8_t>(core::kDeclaredNumberFirst + numbered.size());
    numbered.push_back({std::move(scope), {number}, false});
  }
  return core::ScopeCatalog::built_in().with(std::move(numbered));
}

// A table as the gate makes it, but that it may ask for scopes which are not declared yet.
Result<std::shared_ptr<const gate::ApiTable>> load_table(const std::string& file) {
  LK_TRY(GateConfig config, read_gate_config(file));
  if (config.apis.empty()) {
    return Error(ErrorCode::configuration, file + " has no [[gate.api]]", "gate.api");
  }
  LK_TRY(const core::ScopeCatalog catalog, catalog_of(file));
  return gate::ApiTable::build(catalog, std::move(config.apis),
                               {gate::UnknownScopes::need_full_access});
}

std::vector<std::string> finding_sentences(const gate::Api& api) {
  std::vector<std::string> sentences;
  for (const gate::Finding& finding : api.findings) {
    sentences.push_back(finding.place + " " + finding.rule);
  }
  return sentences;
}

std::string join(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "-" : text;
}

json::object describe(const gate::Api& api, const gate::ApiReport& report) {
  return {{"name", api.settings.name},
          {"hosts", json_texts(api.settings.hosts)},
          {"pathPrefix", api.settings.path_prefix},
          {"organization", gate::describe_organization(api.settings.organization)},
          {"operations", report.routes.operations},
          {"open", report.routes.open},
          {"anyToken", json_texts(report.routes.any_token)},
          {"unknownScopes", json_texts(unknown_scope_sentences(api.routes))},
          {"unreachable", json_texts(report.unreachable)},
          {"ambiguous", json_texts(report.routes.ambiguous)},
          {"hidden", json_texts(report.routes.hidden)},
          {"findings", json_texts(finding_sentences(api))},
          {"isComplete", report.routes.is_complete}};
}

void print_api(const gate::Api& api, const gate::ApiReport& report) {
  print_line("\n" + printable(api.settings.name) + ": " + std::to_string(report.routes.operations) +
             " operations, " + std::to_string(report.routes.open) + " open to anybody; hosts " +
             printable(join(api.settings.hosts)) + "; path " +
             (api.settings.path_prefix.empty() ? "/" : printable(api.settings.path_prefix)) +
             "; organization " + printable(gate::describe_organization(api.settings.organization)) +
             ".");
  print_sentences("Unreachable", report.unreachable);
  print_sentences("Any good token opens", report.routes.any_token);
  print_sentences("Scopes that the catalog does not have", unknown_scope_sentences(api.routes));
  print_sentences("Ambiguous", report.routes.ambiguous);
  print_sentences("Hidden", report.routes.hidden);
  print_sentences("Findings", finding_sentences(api));
  if (!report.routes.is_complete) tell("There is more; not all pairs of routes were compared.");
}

struct Address {
  std::string host;
  std::string path;
  std::string query;
};

Result<Address> parse_address(const std::string& url) {
  const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const size_t slash = url.find('/', scheme);
  const auto host = gate::parse_host(url.substr(scheme, slash - scheme));
  if (scheme == 0 || !host) {
    return usage_error("'" + url + "' is no URL",
                       "give https://HOST/PATH: the host chooses the API");
  }
  Address address{*host, slash == url.npos ? "/" : url.substr(slash), ""};
  address.path = address.path.substr(0, address.path.find('#'));
  if (const size_t mark = address.path.find('?'); mark != address.path.npos) {
    address.query = address.path.substr(mark + 1);
    address.path.resize(mark);
  }
  return address;
}

std::string organization_of(const gate::Api& api, const std::string& of_host,
                            const std::vector<gate::PathParameter>& parameters) {
  const gate::OrganizationRule& rule = api.settings.organization;
  switch (rule.source) {
    case gate::OrganizationSource::fixed: return rule.name;
    case gate::OrganizationSource::host: return of_host;
    case gate::OrganizationSource::path_parameter: break;
  }
  for (const gate::PathParameter& parameter : parameters) {
    if (parameter.name == rule.name) return parameter.value;
  }
  return "-";
}

}  // namespace

Result<void> check_gate_config(const Cli& cli, const std::string& file) {
  LK_TRY(const auto table, load_table(file));
  json::array all;
  if (!cli.json) {
    print_line("The configuration is good: " + std::to_string(table->apis().size()) +
               (table->apis().size() == 1 ? " API." : " APIs."));
  }
  for (const gate::Api& api : table->apis()) {
    const gate::ApiReport report = gate::report_api(*table, api);
    if (cli.json) {
      all.push_back(describe(api, report));
    } else {
      print_api(api, report);
    }
  }
  if (cli.json) print_line(format_json({{"apis", std::move(all)}}));
  return {};
}

Result<void> explain_gate_config(const Cli& cli, const std::string& file, const std::string& method,
                                 const std::string& url) {
  LK_TRY(const Address address, parse_address(url));
  LK_TRY(const auto table, load_table(file));
  const auto choice = table->choose(address.host, address.path);
  if (!choice.api) {
    return Error(ErrorCode::conflict, "no API has this host and path", "",
                 "a gate answers 404 to who has a good token, 401 to others");
  }
  const gate::Api& api = *choice.api;
  const auto match = api.routes.match(method, address.path, {address.host, address.query});
  if (!match) return explain_no_match(match.error(), method);
  const gate::GuardedOperation& found = *match->operation;
  const std::string place = found.operation.method + " " + found.operation.path;
  const auto document = api.files.find(place);
  const std::string source = document == api.files.end() ? "a rule" : document->second;
  const std::string organization =
      organization_of(api, choice.organization, match->route.parameters);
  const std::string condition = gate::describe_condition(found.operation.condition);
  json::object parameters;
  for (const gate::PathParameter& parameter : match->route.parameters) {
    parameters[parameter.name] = parameter.value;
  }
  print_facts(cli,
              json::object{{"api", api.settings.name},
                           {"operationId", found.operation.operation_id},
                           {"method", found.operation.method},
                           {"path", found.operation.path},
                           {"condition", condition},
                           {"document", source},
                           {"organization", organization},
                           {"parameters", std::move(parameters)},
                           {"alternatives", json_alternatives(found)},
                           {"unknownScopes", json_texts(found.unknown_scopes)},
                           {"isOpen", found.is_open}},
              {{"API", api.settings.name},
               {"Operation", found.operation.operation_id},
               {"Route", place + (condition.empty() ? "" : ", with " + condition)},
               {"From", source},
               {"Organization", organization},
               {"Parameters", format_parameters(match->route.parameters)},
               {"Scopes", found.is_open ? "none: it is open to anybody"
                                        : gate::describe_alternatives(found.alternatives)}});
  return {};
}

}  // namespace latchkey::app
