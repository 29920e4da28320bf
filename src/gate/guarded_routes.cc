#include "gate/guarded_routes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "gate/host.h"
#include "gate/path.h"
#include "http/message.h"

namespace latchkey::gate {
namespace {

Error wrong(const Operation& operation, const std::string& rule) {
  const std::string place = operation.method + " " + operation.path;
  return Error(ErrorCode::configuration, place + " " + rule + ".", place);
}

// The alternatives of `operation` by name; {} for one that any good token meets.
std::vector<std::vector<std::string>> list_alternatives(const Operation& operation,
                                                        ScopeList scope_list) {
  // Whoever may call without a credential may call with any good one.
  if (operation.is_open) return {{}};
  std::vector<std::vector<std::string>> alternatives;
  for (const SecurityAlternative& alternative : operation.security) {
    if (alternative.scopes.size() > 1 && scope_list == ScopeList::any_one) {
      for (const std::string& scope : alternative.scopes) alternatives.push_back({scope});
    } else {
      alternatives.push_back(alternative.scopes);
    }
  }
  return alternatives;
}

Result<GuardedOperation> guard(const core::ScopeCatalog& catalog, const Operation& operation,
                               const GuardOptions& options) {
  GuardedOperation guarded{operation, verify::ScopeRequirement({}), {}, {}, false};
  guarded.alternatives = list_alternatives(operation, options.scope_list);
  std::vector<core::ScopeSet> sets;
  for (const auto& names : guarded.alternatives) {
    core::ScopeSet set;
    for (const std::string& name : names) {
      const core::Scope* scope = catalog.find(name);
      if (!scope && options.unknown_scopes == UnknownScopes::need_full_access) {
        guarded.unknown_scopes.push_back(name);
        scope = catalog.find(core::ScopeCatalog::kFullAccess);
      }
      if (!scope) {
        return wrong(operation, "asks for the scope '" + name +
                                    "', which the catalog does not have; declare it first");
      }
      set.add(scope->number);
    }
    sets.push_back(set);
  }
  guarded.requirement = verify::ScopeRequirement(std::move(sets));
  guarded.is_open = operation.is_public || options.open_operations.contains(operation.operation_id);
  if (guarded.is_open && !operation.is_open) {
    return wrong(operation, "is to be open, but its document asks for a credential");
  }
  return guarded;
}

bool ask_the_same(const GuardedOperation& a, const GuardedOperation& b) {
  return a.is_open == b.is_open && a.requirement.alternatives() == b.requirement.alternatives();
}

// Whether `next` is one of `group`. Errors: configuration (it asks for something else than its
// like, or calls its parameters otherwise, so that an organization could not be read).
Result<bool> is_among(const std::vector<GuardedOperation>& guarded,
                      const std::vector<size_t>& group, const GuardedOperation& next) {
  for (const size_t i : group) {
    const GuardedOperation& other = guarded[i];
    if (other.operation.condition == next.operation.condition) {
      if (ask_the_same(other, next)) return true;
      return wrong(next.operation, "cannot be told from " + other.operation.path +
                                       ", which asks for something else");
    }
    if (other.operation.path != next.operation.path) {
      return wrong(next.operation, "must be written as " + other.operation.path +
                                       ", from which its condition tells it");
    }
  }
  return false;
}

// Hosts before queries, and what is exact first.
int order_of(const RouteCondition& condition) {
  const int host = condition.host.empty() ? 2 : condition.host.starts_with('*') ? 1 : 0;
  const int query = condition.query_name.empty() ? 2 : condition.query_value.empty() ? 1 : 0;
  return host * 3 + query;
}

// Whether the query has `name` once, with `value`, or not at all if `value` is empty.
// Errors: request_malformed (twice, in another spelling, or where a reader may part otherwise).
Result<bool> meets_query(std::string_view name, std::string_view value, std::string_view query) {
  const auto parameters = http::parse_query(query);
  if (!parameters || query.find(';') != query.npos) {
    return Error(ErrorCode::request_malformed, "The query could be read in two ways.");
  }
  const std::string* found = nullptr;
  for (const auto& [key, text] : *parameters) {
    if (!ascii_equal_ignoring_case(key, name)) continue;
    if (found || key != name) {
      return Error(ErrorCode::request_malformed,
                   "The query must have '" + std::string(name) + "' once, spelled so.");
    }
    found = &text;
  }
  return found ? !value.empty() && *found == value : value.empty();
}

Result<bool> meets(const RouteCondition& condition, const RouteFacts& facts) {
  if (!condition.host.empty()) {
    const auto pattern = HostPattern::parse(condition.host);
    if (!pattern || !pattern->match(facts.host)) return false;
  }
  if (condition.query_name.empty()) return true;
  return meets_query(condition.query_name, condition.query_value, facts.query);
}

Result<void> check_open_operations(const std::vector<Operation>& operations,
                                   const std::set<std::string>& open) {
  for (const std::string& id : open) {
    const bool is_there =
        std::any_of(operations.begin(), operations.end(),
                    [&](const Operation& operation) { return operation.operation_id == id; });
    if (!is_there) {
      return Error(ErrorCode::configuration,
                   "The operation '" + id + "' is to be open, but no document has it.", id);
    }
  }
  return {};
}

}  // namespace

Result<GuardedRoutes> GuardedRoutes::build(const core::ScopeCatalog& catalog,
                                           const std::vector<Operation>& operations,
                                           const GuardOptions& options) {
  LK_CHECK(check_open_operations(operations, options.open_operations));
  std::vector<GuardedOperation> guarded;
  std::vector<Operation> distinct;
  std::vector<std::vector<size_t>> variants;
  std::map<std::string, size_t> by_key;
  for (const Operation& operation : operations) {
    const auto segments = parse_template(operation.path);
    if (!segments) return wrong(operation, segments.error().message);
    LK_TRY(GuardedOperation next, guard(catalog, operation, options));
    const auto [place, is_new] =
        by_key.emplace(operation.method + " " + template_key(*segments), variants.size());
    if (is_new) {
      distinct.push_back(operation);
      variants.emplace_back();
    }
    std::vector<size_t>& group = variants[place->second];
    LK_TRY(const bool is_known, is_among(guarded, group, next));
    if (is_known) continue;
    group.push_back(guarded.size());
    guarded.push_back(std::move(next));
  }
  for (std::vector<size_t>& group : variants) {
    std::stable_sort(group.begin(), group.end(), [&](size_t a, size_t b) {
      return order_of(guarded[a].operation.condition) < order_of(guarded[b].operation.condition);
    });
  }
  LK_TRY(RouteTable table, RouteTable::build(distinct));
  return GuardedRoutes(std::move(guarded), variants, std::move(table), options.encoded_slash);
}

GuardedRoutes::GuardedRoutes(std::vector<GuardedOperation> operations,
                             const std::vector<std::vector<size_t>>& groups, RouteTable table,
                             EncodedSlash encoded_slash)
    : operations_(std::move(operations)), table_(std::move(table)), encoded_slash_(encoded_slash) {
  std::map<std::vector<std::vector<std::string>>, uint32_t> known;
  for (const std::vector<size_t>& group : groups) {
    Group made{{}, static_cast<uint32_t>(variants_.size()), 0};
    bool has_conditions = false;
    for (const size_t i : group) {
      const GuardedOperation& guarded = operations_[i];
      const auto [place, is_new] = known.try_emplace(guarded.alternatives, requirements_.size());
      if (is_new) requirements_.push_back(guarded.requirement);
      variants_.push_back({static_cast<uint32_t>(i), place->second, guarded.is_open});
      has_conditions = has_conditions || guarded.operation.condition != RouteCondition{};
    }
    if (!has_conditions) {
      made.only = variants_[made.begin];
      variants_.resize(made.begin);
    }
    made.end = static_cast<uint32_t>(variants_.size());
    groups_.push_back(made);
  }
}

GuardedRoutes::Match GuardedRoutes::match_of(const Variant& variant, RouteMatch route) const {
  return {&operations_[variant.operation],
          std::move(route),
          {&requirements_[variant.requirement], variant.is_open}};
}

Result<GuardedRoutes::Match> GuardedRoutes::match(std::string_view method, std::string_view path,
                                                  const RouteFacts& facts) const {
  LK_TRY(RouteMatch route, table_.match(method, path, encoded_slash_));
  const Group& group = groups_[route.operation];
  if (group.begin == group.end) return match_of(group.only, std::move(route));
  for (uint32_t place = group.begin; place < group.end; ++place) {
    const RouteCondition& condition = operations_[variants_[place].operation].operation.condition;
    LK_TRY(const bool holds, meets(condition, facts));
    if (holds) return match_of(variants_[place], std::move(route));
  }
  return Error(ErrorCode::route_unknown);
}

std::string describe_alternatives(const std::vector<std::vector<std::string>>& alternatives) {
  std::string text;
  for (const auto& names : alternatives) {
    if (names.empty()) return "any good token";
    if (!text.empty()) text += ", or ";
    for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : " with ") + names[i];
  }
  return text + (text.empty() ? "" : ", or ") + "full access";
}

}  // namespace latchkey::gate
