#include "service/declared_scopes.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "store/scope_rows.h"

namespace latchkey::service {
namespace {

// The scopes as they are to be, and which of them differ from the store.
struct Settlement {
  std::vector<core::NumberedScope> scopes;
  std::vector<const core::NumberedScope*> changed;
  json::array added, altered, withdrawn;  // names, for the event
};

const core::DeclaredScope* find(std::span<const core::DeclaredScope> declared,
                                const std::string& identifier) {
  for (const core::DeclaredScope& scope : declared) {
    if (scope.identifier == identifier) return &scope;
  }
  return nullptr;
}

Result<Settlement> settle(std::vector<core::NumberedScope> stored,
                          std::span<const core::DeclaredScope> declared) {
  Settlement result;
  result.scopes.reserve(stored.size() + declared.size());
  std::vector<size_t> changed;
  for (core::NumberedScope& row : stored) {
    core::NumberedScope now = row;
    const core::DeclaredScope* scope = find(declared, row.scope.identifier);
    now.is_withdrawn = scope == nullptr;
    if (scope != nullptr) now.scope = *scope;
    if (now != row) {
      changed.push_back(result.scopes.size());
      (now.is_withdrawn ? result.withdrawn : result.altered).emplace_back(now.scope.identifier);
    }
    result.scopes.push_back(std::move(now));
  }
  // Rows are by number, and never deleted.
  int next = stored.empty() ? core::kDeclaredNumberFirst : stored.back().number.value + 1;
  for (const core::DeclaredScope& scope : declared) {
    const bool is_known = std::any_of(stored.begin(), stored.end(), [&](const auto& row) {
      return row.scope.identifier == scope.identifier;
    });
    if (is_known) continue;
    if (next > core::kDeclaredNumberLast) {
      return Error(ErrorCode::configuration,
                   "gate.scope: no number is left for " + scope.identifier +
                       "; 126 scopes can be declared in the life of an installation",
                   "gate.scope");
    }
    changed.push_back(result.scopes.size());
    result.added.emplace_back(scope.identifier);
    result.scopes.push_back({scope, {static_cast<uint8_t>(next++)}, false});
  }
  for (const size_t index : changed) result.changed.push_back(&result.scopes[index]);
  return result;
}

Result<void> write(store::WriteTx& tx, const Settlement& settlement) {
  for (const core::NumberedScope* scope : settlement.changed) {
    LK_CHECK(store::upsert_scope_row(tx, *scope));
  }
  const json::object data{{"added", settlement.added},
                          {"changed", settlement.altered},
                          {"withdrawn", settlement.withdrawn}};
  const core::EventDraft draft{.action = core::Action::scopes_declared,
                               .organization = std::nullopt,
                               .actor = std::nullopt,
                               .subjects = {},
                               .data = format_json(data)};
  core::EventContext context;
  context.mechanism = "configuration";
  context.names = "{}";
  LK_CHECK(tx.append(draft, context));
  return {};
}

}  // namespace

Result<core::ScopeCatalog> settle_scopes(store::Store& store, const core::ScopeCatalog& built_in,
                                         std::span<const core::DeclaredScope> declared) {
  LK_CHECK(core::check_declared_scopes(declared));
  std::vector<core::NumberedScope> stored;
  LK_CHECK(store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(stored, store::list_scope_rows(tx));
    return {};
  }));
  // Alone at start: nobody writes between the two transactions.
  LK_TRY(const Settlement settlement, settle(std::move(stored), declared));
  // Refused before anything is written.
  LK_TRY(core::ScopeCatalog catalog, built_in.with(settlement.scopes));
  if (!settlement.changed.empty()) {
    LK_CHECK(store.write([&](store::WriteTx& tx) { return write(tx, settlement); }));
  }
  return catalog;
}

}  // namespace latchkey::service
