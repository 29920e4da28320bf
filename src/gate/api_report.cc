#include "gate/api_report.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace latchkey::gate {
namespace {

// A host that `pattern` matches.
std::string sample_host(const HostPattern& pattern) {
  const std::string key = pattern.key();
  return pattern.is_exact() ? key : "x" + key.substr(1);
}

// A path that `segments` match, below `prefix`; nothing if none is.
std::optional<std::string> sample_path(const std::vector<TemplateSegment>& segments,
                                       const std::vector<std::string>& prefix) {
  std::string path;
  for (size_t i = 0; i < std::max(segments.size(), prefix.size()); ++i) {
    const bool in_prefix = i < prefix.size();
    if (i >= segments.size()) {
      if (segments.empty() || segments.back().kind != SegmentKind::rest) return std::nullopt;
      path += "/" + percent_encode(prefix[i]);
      continue;
    }
    const TemplateSegment& segment = segments[i];
    std::string text = in_prefix ? prefix[i] : "x";
    if (segment.kind == SegmentKind::concrete) {
      if (in_prefix && !ascii_equal_ignoring_case(segment.text, text)) return std::nullopt;
      text = segment.text;
    } else if (segment.kind == SegmentKind::mixed) {
      if (in_prefix && !segment.match_mixed(text)) return std::nullopt;
      if (!in_prefix) {
        text = segment.literals[0];
        for (size_t k = 1; k < segment.literals.size(); ++k) text += "x" + segment.literals[k];
      }
    }
    path += "/" + percent_encode(text);
  }
  return path.empty() ? "/" : path;
}

// Why no request reaches `operation`; empty if one does.
std::string why_unreachable(const ApiTable& table, const Api& api, const Operation& operation) {
  const auto path = sample_path(*parse_template(operation.path), api.prefix);
  if (!path) return "is outside the path_prefix of its API";
  std::vector<std::string> hosts;
  for (const HostPattern& host : api.hosts) hosts.push_back(sample_host(host));
  if (hosts.empty()) hosts.emplace_back("x.invalid");
  if (!operation.condition.host.empty()) {
    const auto pattern = HostPattern::parse(operation.condition.host);
    const std::string own = sample_host(*pattern);
    std::erase_if(hosts, [&](const std::string& host) { return !pattern->match(host); });
    const bool has_own = api.hosts.empty() || std::any_of(api.hosts.begin(), api.hosts.end(),
                                                          [&](const HostPattern& host) {
                                                            return host.match(own).has_value();
                                                          });
    if (has_own) hosts.push_back(own);
    if (hosts.empty()) return "is for a host that its API does not have";
  }
  std::string other;
  for (const std::string& host : hosts) {
    const Api* chosen = table.choose(host, *path).api;
    if (chosen == &api) return {};
    other = chosen ? chosen->settings.name : "none";
  }
  return "is taken by the API '" + other + "'";
}

}  // namespace

ApiReport report_api(const ApiTable& table, const Api& api) {
  ApiReport report{report_routes(api.routes.operations()), {}};
  for (const GuardedOperation& guarded : api.routes.operations()) {
    const std::string reason = why_unreachable(table, api, guarded.operation);
    if (reason.empty()) continue;
    report.unreachable.push_back(guarded.operation.method + " " + guarded.operation.path + " " +
                                 reason);
  }
  return report;
}

std::string describe_organization(const OrganizationRule& rule) {
  switch (rule.source) {
    case OrganizationSource::fixed: return rule.name;
    case OrganizationSource::path_parameter: return "{" + rule.name + "} of the path";
    case OrganizationSource::host: return "{" + rule.name + "} of the host";
  }
  return {};
}

std::string describe_condition(const RouteCondition& condition) {
  std::string text;
  if (!condition.host.empty()) text = "host " + condition.host;
  if (!condition.query_name.empty()) {
    text += text.empty() ? "" : " and ";
    text += condition.query_value.empty() ? "no " + condition.query_name
                                          : condition.query_name + "=" + condition.query_value;
  }
  return text;
}

}  // namespace latchkey::gate
