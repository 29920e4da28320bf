#include "gate/route_rules.h"

#include <algorithm>

#include "base/text.h"
#include "gate/host.h"

namespace latchkey::gate {
namespace {

// A rule's place for its errors.
class RulePlace {
 public:
  explicit RulePlace(size_t index) : prefix_("rules[" + std::to_string(index) + "].") {}
  Error wrong(std::string_view key, const std::string& rule) const {
    const std::string field = prefix_ + std::string(key);
    return Error(ErrorCode::configuration, field + " " + rule, field);
  }

 private:
  std::string prefix_;
};

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '-';
  });
}

Result<void> check_methods(const RouteRule& rule, const RulePlace& place) {
  if (rule.methods.empty()) return place.wrong("methods", "must name one, or be [\"*\"]");
  if (rule.methods.size() > kMethodsMax) return place.wrong("methods", "must be at most 16");
  for (const std::string& method : rule.methods) {
    const bool is_forbidden = method == "TRACE" || method == "CONNECT";
    if (is_forbidden || (method != "*" && !is_method(method))) {
      return place.wrong("methods",
                         "must be of capital letters, such as GET, or \"*\"; not TRACE "
                         "or CONNECT");
    }
    if (std::count(rule.methods.begin(), rule.methods.end(), method) > 1) {
      return place.wrong("methods", "has " + method + " twice");
    }
  }
  return {};
}

Result<RouteCondition> read_condition(const RouteRule& rule, const RulePlace& place) {
  RouteCondition condition;
  if (!rule.host.empty()) {
    auto pattern = HostPattern::parse(rule.host);
    if (!pattern) return place.wrong("host", pattern.error().message);
    condition.host = pattern->key();
  }
  if (!rule.query.empty()) {
    const size_t equals = rule.query.find('=');
    const bool is_plain = is_utf8(rule.query) && !has_control_character(rule.query) &&
                          rule.query.find_first_of("&;%+#? ") == rule.query.npos;
    if (equals == rule.query.npos || equals == 0 || !is_plain) {
      return place.wrong("query", "must be name=value, as it reads decoded, without spaces");
    }
    condition.query_name = rule.query.substr(0, equals);
    condition.query_value = rule.query.substr(equals + 1);
  }
  return condition;
}

Result<std::vector<SecurityAlternative>> read_scopes(const RouteRule& rule,
                                                     const RulePlace& place) {
  if (rule.access != RuleAccess::scopes) {
    if (!rule.scopes.empty()) return place.wrong("scopes", "cannot stand beside access");
    return std::vector<SecurityAlternative>{{"", {}}};
  }
  if (rule.scopes.empty()) {
    return place.wrong("scopes", "must name one, or access must be any_token or open");
  }
  if (rule.scopes.size() > kRuleScopesMax) return place.wrong("scopes", "must be at most 64");
  std::vector<SecurityAlternative> alternatives;
  for (const std::string& text : rule.scopes) {
    SecurityAlternative alternative;
    for (const std::string_view name : split(text, ' ')) {
      if (name.empty()) {
        return place.wrong("scopes", "must have names with single spaces between");
      }
      alternative.scopes.emplace_back(name);
    }
    if (alternative.scopes.size() > kRuleScopesMax) {
      return place.wrong("scopes", "must have at most 64 names together");
    }
    alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

}  // namespace

Result<std::vector<Operation>> compile_rules(const std::vector<RouteRule>& rules) {
  if (rules.size() > kRulesMax) {
    return Error(ErrorCode::configuration, "rules must be at most 10000", "rules");
  }
  std::vector<Operation> operations;
  for (size_t i = 0; i < rules.size(); ++i) {
    const RouteRule& rule = rules[i];
    const RulePlace place(i);
    LK_CHECK(check_methods(rule, place));
    if (auto segments = parse_template(rule.path); !segments) {
      return place.wrong("path", segments.error().message);
    }
    LK_TRY(const RouteCondition condition, read_condition(rule, place));
    LK_TRY(const auto alternatives, read_scopes(rule, place));
    for (const std::string& method : rule.methods) {
      Operation operation;
      operation.operation_id = rule.name.empty() ? method + " " + rule.path : rule.name;
      operation.method = method;
      operation.path = rule.path;
      operation.security = alternatives;
      operation.is_open = operation.is_public = rule.access == RuleAccess::open;
      operation.condition = condition;
      operations.push_back(std::move(operation));
    }
  }
  return operations;
}

}  // namespace latchkey::gate
