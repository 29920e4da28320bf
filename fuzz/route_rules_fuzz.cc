// Rules find what a plain loop over them finds, conditions and stars included.
// The input is rules, a line each ("GET /a/{b} host query"; "-" for none of a condition), an empty
// line, and then requests alike ("GET /a/b host query").
#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "gate/guarded_routes.h"
#include "gate/host.h"
#include "gate/linear_matcher_for_test.h"
#include "gate/route_rules.h"
#include "http/message.h"
#include "target.h"

namespace {

using namespace latchkey;
using namespace latchkey::gate;

// Method, path, host, query; fewer are filled with "-".
std::vector<std::string> take_fields(std::string_view line) {
  std::vector<std::string> fields;
  for (const std::string_view part : split(line, ' ')) fields.emplace_back(part);
  fields.resize(4, "-");
  for (size_t i = 2; i < 4; ++i) {
    if (fields[i] == "-") fields[i].clear();
  }
  return fields;
}

// Whether the condition holds, or "request_malformed".
std::string holds(const RouteCondition& condition, const std::string& host,
                  const std::string& query) {
  if (!condition.host.empty()) {
    const auto pattern = HostPattern::parse(condition.host);
    if (!pattern || !pattern->match(host)) return "no";
  }
  if (condition.query_name.empty()) return "yes";
  const auto parameters = http::parse_query(query);
  if (!parameters || query.find(';') != query.npos) return "request_malformed";
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& parameter : *parameters) {
    if (ascii_equal_ignoring_case(parameter.first, condition.query_name)) {
      found.push_back(parameter);
    }
  }
  if (found.size() > 1 || (found.size() == 1 && found[0].first != condition.query_name)) {
    return "request_malformed";
  }
  if (found.empty()) return condition.query_value.empty() ? "yes" : "no";
  return !condition.query_value.empty() && found[0].second == condition.query_value ? "yes" : "no";
}

// Of the rules that are `first` but for their conditions the one that counts: exact hosts, then
// stars, then none; within these a value, an absence, none.
std::string choose(const std::vector<Operation>& operations, const Operation& first,
                   const std::string& host, const std::string& query) {
  for (int rank = 0; rank < 9; ++rank) {
    for (const Operation& operation : operations) {
      if (operation.method != first.method) continue;
      if (template_key(*parse_template(operation.path)) !=
          template_key(*parse_template(first.path))) {
        continue;
      }
      const RouteCondition& c = operation.condition;
      const int own = (c.host.empty()     ? 2
                       : c.host[0] == '*' ? 1
                                          : 0) *
                          3 +
                      (c.query_name.empty()    ? 2
                       : c.query_value.empty() ? 1
                                               : 0);
      if (own != rank) continue;
      const std::string answer = holds(c, host, query);
      if (answer == "yes") return operation.operation_id;
      if (answer != "no") return answer;
    }
  }
  return "route_unknown";
}

const core::ScopeCatalog& catalog() {
  static const core::ScopeCatalog built_in = core::ScopeCatalog::built_in();
  return built_in;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = fuzz::as_text(data, size);
  std::vector<Operation> operations;
  while (!rest.empty() && operations.size() < 12) {
    const std::string_view line = fuzz::take_line(rest);
    if (line.empty()) break;
    const auto fields = take_fields(line);
    const auto compiled = compile_rules(
        {{"", {fields[0]}, fields[2], fields[1], fields[3], {"vso.code"}, RuleAccess::scopes}});
    if (!compiled) continue;
    operations.push_back((*compiled)[0]);
    // Each is told from the others by its name, in whatever they ask for.
    operations.back().operation_id = "rule " + std::to_string(operations.size());
    const auto same = [&](const Operation& other) {
      return &other != &operations.back() && other.method == operations.back().method &&
             other.condition == operations.back().condition &&
             template_key(*parse_template(other.path)) ==
                 template_key(*parse_template(operations.back().path));
    };
    const bool is_known = std::any_of(operations.begin(), operations.end(), same);
    if (is_known || !GuardedRoutes::build(catalog(), operations, {})) operations.pop_back();
  }
  const auto routes = GuardedRoutes::build(catalog(), operations, {});
  LK_ASSERT(routes);
  for (int requests = 0; !rest.empty() && requests < 16; ++requests) {
    const auto fields = take_fields(fuzz::take_line(rest));
    const std::string host = parse_host(fields[2]).value_or("");
    const auto match = routes->match(fields[0], fields[1], {host, fields[3]});
    std::string expected = match_linearly(operations, fields[0], fields[1]);
    const auto first = std::find_if(operations.begin(), operations.end(),
                                    [&](const auto& o) { return o.operation_id == expected; });
    if (first != operations.end()) expected = choose(operations, *first, host, fields[3]);
    LK_ASSERT(expected == (match ? match->operation->operation.operation_id
                                 : std::string(error_name(match.error().code))));
  }
  return 0;
}
