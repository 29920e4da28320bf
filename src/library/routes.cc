// The C interface: routes of an API's description.
#include "gate/openapi.h"
#include "library/handles.h"

namespace {

using namespace latchkey;  // the functions below are of the global namespace
using library::fail;
using library::guarded;
using library::is_whole;
using library::put;

Result<std::unique_ptr<lk_routes>> load(const core::ScopeCatalog& catalog, std::string_view text,
                                        const lk_routes_options* given) {
  gate::OpenApiOptions reading;
  gate::GuardOptions guarding;
  if (given != nullptr && given->base_path != nullptr) reading.base_path = given->base_path;
  if (given != nullptr && given->any_scope != 0) guarding.scope_list = gate::ScopeList::any_one;
  LK_TRY(const gate::OpenApiDocument document, gate::load_openapi(text, reading));
  LK_TRY(auto routes, gate::GuardedRoutes::build(catalog, document.operations, guarding));
  std::vector<lk_requirement> requirements;
  for (const auto& operation : routes.operations()) requirements.push_back({operation.requirement});
  return std::make_unique<lk_routes>(
      lk_routes{catalog, std::move(routes), std::move(requirements)});
}

struct Found {
  lk_result result = LK_INTERNAL;
  const gate::GuardedOperation* operation = nullptr;
  const lk_requirement* requirement = nullptr;
};

Found find(const lk_routes& routes, const char* method, const char* path) {
  const auto match = routes.routes.match(method, path);
  if (!match) return {library::result_of(match.error().code), nullptr, nullptr};
  const auto index = static_cast<size_t>(match->operation - routes.routes.operations().data());
  return {LK_GRANTED, match->operation, &routes.requirements[index]};
}

}  // namespace

lk_result lk_routes_load(const lk_verifier* verifier, const char* document, size_t length,
                         const lk_routes_options* options, lk_routes** routes, lk_error* error) {
  return guarded(error, [&]() -> lk_result {
    if (verifier == nullptr || document == nullptr || routes == nullptr ||
        (options != nullptr && !is_whole(options))) {
      return fail(error, LK_INVALID_ARGUMENT, "An argument is null, or of another version.");
    }
    *routes = nullptr;
    auto loaded = load(verifier->remote->catalog(), {document, length}, options);
    // What is wrong with a document is the caller's argument.
    if (!loaded) return fail(error, LK_INVALID_ARGUMENT, loaded.error().message);
    *routes = loaded->release();
    return LK_GRANTED;
  });
}

void lk_routes_free(lk_routes* routes) { const std::unique_ptr<lk_routes> owned(routes); }

lk_result lk_explain(const lk_routes* routes, const char* method, const char* path,
                     lk_match* match) {
  return guarded(nullptr, [&] {
    if (routes == nullptr || method == nullptr || path == nullptr || !is_whole(match)) {
      return LK_INVALID_ARGUMENT;
    }
    const size_t size = match->size;
    *match = lk_match{};
    match->size = size;
    const Found found = find(*routes, method, path);
    if (found.operation == nullptr) return found.result;
    put(match->operation, found.operation->operation.operation_id);
    put(match->scopes, gate::describe_alternatives(found.operation->alternatives));
    match->requirement = found.requirement;
    return LK_GRANTED;
  });
}

lk_result lk_check_request(const lk_verifier* verifier, const lk_routes* routes, const char* method,
                           const char* path, const char* text, size_t length,
                           const char* organization, lk_answer* answer) {
  return guarded(nullptr, [&] {
    if (verifier == nullptr || routes == nullptr || method == nullptr || path == nullptr ||
        !is_whole(answer)) {
      return LK_INVALID_ARGUMENT;
    }
    const Found found = find(*routes, method, path);
    const lk_result checked =
        lk_check(verifier, text, length, organization, found.requirement, answer);
    // Who has no good token learns nothing of which routes there are.
    if (checked != LK_GRANTED || found.operation != nullptr) return checked;
    const size_t size = answer->size;
    *answer = lk_answer{};
    answer->size = size;
    return answer->result = found.result;
  });
}
