#include "gate/guarded_routes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "gate/path.h"

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
  guarded.is_open = options.open_operations.contains(operation.operation_id);
  if (guarded.is_open && !operation.is_open) {
    return wrong(operation, "is to be open, but its document asks for a credential");
  }
  return guarded;
}

bool ask_the_same(const GuardedOperation& a, const GuardedOperation& b) {
  return a.is_open == b.is_open && a.requirement.alternatives() == b.requirement.alternatives();
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
  std::map<std::string, size_t> by_key;
  for (const Operation& operation : operations) {
    const auto segments = parse_template(operation.path);
    if (!segments) return wrong(operation, segments.error().message);
    LK_TRY(GuardedOperation next, guard(catalog, operation, options));
    const auto [place, is_new] =
        by_key.emplace(operation.method + " " + template_key(*segments), guarded.size());
    if (!is_new) {
      if (ask_the_same(guarded[place->second], next)) continue;
      return wrong(operation, "cannot be told from " + guarded[place->second].operation.path +
                                  ", which asks for something else");
    }
    distinct.push_back(operation);
    guarded.push_back(std::move(next));
  }
  LK_TRY(RouteTable table, RouteTable::build(distinct));
  return GuardedRoutes(std::move(guarded), std::move(table));
}

Result<GuardedRoutes::Match> GuardedRoutes::match(std::string_view method,
                                                  std::string_view path) const {
  LK_TRY(RouteMatch route, table_.match(method, path));
  const GuardedOperation* operation = &operations_[route.operation];
  return Match{operation, std::move(route)};
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
