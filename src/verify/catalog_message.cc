#include "verify/catalog_message.h"

#include "base/json.h"

namespace latchkey::verify {

std::string format_catalog(const core::ScopeCatalog& catalog) {
  json::array scopes;
  json::object numbers;
  for (const core::Scope& scope : catalog.scopes()) {
    json::array implies;
    for (const std::string& implied : scope.implies) implies.emplace_back(implied);
    scopes.push_back(json::object{{"scope", scope.identifier},
                                  {"category", scope.category},
                                  {"access", scope.level},
                                  {"description", scope.description},
                                  {"implies", std::move(implies)},
                                  {"highPrivilege", scope.high_privilege},
                                  {"shown", scope.shown},
                                  {"grantable", scope.grantable}});
    numbers[scope.identifier] = int64_t{scope.number.value};
  }
  return format_json(json::object{{"scopes", std::move(scopes)}, {"numbers", std::move(numbers)}});
}

Result<core::ScopeCatalog> parse_catalog(std::string_view text) {
  const Error malformed(ErrorCode::configuration, "The scope catalog has another form.");
  if (text.size() > kCatalogBytesMax) return malformed;
  const auto document = parse_json(text);
  if (!document || !document->is_object()) return malformed;
  const json::value* const scopes = document->as_object().if_contains("scopes");
  const json::value* const numbers = document->as_object().if_contains("numbers");
  if (scopes == nullptr || numbers == nullptr) return malformed;
  return core::ScopeCatalog::parse(format_json(*scopes), format_json(*numbers));
}

}  // namespace latchkey::verify
