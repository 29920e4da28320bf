// A list of scopes that is accepted has one canonical text with the same scopes, which is accepted
// as itself and means the same when it is read back from the store.
#include <algorithm>

#include "base/text.h"
#include "core/scope_catalog.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  static const core::ScopeCatalog catalog = core::ScopeCatalog::built_in();
  const std::string_view text = fuzz::as_text(data, size);
  const auto requested = catalog.parse_requested(text);
  if (!requested) {
    LK_ASSERT(requested.error().code == ErrorCode::pat_invalid_scope);
    LK_ASSERT(requested.error().field == "scope");
    catalog.closure_of(text).has_value();
    return 0;
  }
  auto given = split(text, ' ');
  auto kept = split(requested->text, ' ');
  for (const std::string_view identifier : kept) {
    const core::Scope* scope = catalog.find(identifier);
    LK_ASSERT(scope != nullptr && scope->grantable);
    LK_ASSERT(requested->closure.contains_all(scope->closure));
  }
  std::sort(given.begin(), given.end());
  std::sort(kept.begin(), kept.end());
  LK_ASSERT(given == kept);
  LK_ASSERT(requested->full_access == (text == core::ScopeCatalog::kFullAccess));
  LK_ASSERT(requested->full_access || requested->closure != core::ScopeSet::all());

  const auto again = catalog.parse_requested(requested->text);
  LK_ASSERT(again && again->text == requested->text && again->closure == requested->closure);
  const auto stored = catalog.closure_of(requested->text);
  LK_ASSERT(stored && *stored == requested->closure);
  return 0;
}
