// Brings the operator's declared scopes into the store and makes the catalog that counts.
//
// A scope that was never declared gets the next number and keeps it; one that is declared no more
// is withdrawn: it stays in the catalog, so that tokens which name it stay good, and opens nothing.
// What a start changes is one event. Thread safety: at start, before anything else uses the
// catalog. Spec: docs/spec/scopes.md, S20 to S27.
#pragma once

#include <span>

#include "core/scope_catalog.h"
#include "store/store.h"

namespace latchkey::service {

// `built_in` with `declared` and what was withdrawn.
// Errors: configuration (a declaration breaks a rule; no number is left), integrity_violated,
//         store_unavailable.
Result<core::ScopeCatalog> settle_scopes(store::Store& store, const core::ScopeCatalog& built_in,
                                         std::span<const core::DeclaredScope> declared);

}  // namespace latchkey::service
