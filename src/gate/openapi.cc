#include "gate/openapi.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "gate/path.h"

namespace latchkey::gate {
namespace {

constexpr std::array<std::string_view, 8> kMethods = {"get",  "put",     "post",  "delete",
                                                      "head", "options", "patch", "trace"};
// Members of a path item that are no operation (OpenAPI 3.1 section 4.8.9.1).
constexpr std::array<std::string_view, 4> kOtherMembers = {"summary", "description", "servers",
                                                           "parameters"};
constexpr std::string_view kParameterPrefix = "#/components/parameters/";

Error wrong(std::string_view place, std::string_view rule) {
  return Error(ErrorCode::configuration,
               "OpenAPI document: " + std::string(place) + " " + std::string(rule) + ".",
               std::string(place));
}

// The object called `name` in `object`; null when it is absent or something else.
const json::object* find_object(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

std::string_view find_text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value ? value->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

// Reads one document. Lives as long as one call of parse_openapi.
class Reader {
 public:
  explicit Reader(const json::object& document) : document_(document) {}
  Result<OpenApiDocument> read();

 private:
  Result<void> read_schemes();
  Result<void> read_path_item(std::string_view path, const json::object& item);
  Result<void> read_operation(Operation operation, const json::object& item,
                              const json::object& fields);
  Result<void> read_security(Operation& operation, const json::value& security) const;
  Result<void> check_parameters(const std::string& place, std::string_view path,
                                const json::object& item, const json::object& fields) const;
  Result<void> collect_path_parameters(const std::string& place, const json::object& owner,
                                       std::set<std::string, std::less<>>& names) const;

  const json::object& document_;
  std::set<std::string, std::less<>> schemes_;
  std::set<std::string> operation_ids_;
  OpenApiDocument result_;
};

Result<OpenApiDocument> Reader::read() {
  const std::string_view version = find_text(document_, "openapi");
  if (!version.starts_with("3.0.") && !version.starts_with("3.1.")) {
    return wrong("openapi", "must be 3.0.x or 3.1.x");
  }
  LK_CHECK(read_schemes());
  const json::object* paths = find_object(document_, "paths");
  if (!paths) return wrong("paths", "is missing");
  for (const auto& member : *paths) {
    const std::string_view path = member.key();
    if (path.starts_with("x-")) continue;  // a specification extension
    const json::object* item = member.value().if_object();
    if (!item) return wrong(path, "must be an object");
    LK_CHECK(read_path_item(path, *item));
  }
  return std::move(result_);
}

Result<void> Reader::read_schemes() {
  const json::object* components = find_object(document_, "components");
  const json::object* schemes = components ? find_object(*components, "securitySchemes") : nullptr;
  if (!schemes) return {};
  for (const auto& member : *schemes) schemes_.emplace(member.key());
  return {};
}

Result<void> Reader::read_path_item(std::string_view path, const json::object& item) {
  if (auto segments = parse_template(path); !segments) {
    return wrong(path, segments.error().message);
  }
  for (const auto& member : item) {
    const std::string_view name = member.key();
    if (std::find(kMethods.begin(), kMethods.end(), name) == kMethods.end()) {
      const bool known =
          name.starts_with("x-") ||
          std::find(kOtherMembers.begin(), kOtherMembers.end(), name) != kOtherMembers.end();
      // An unknown member could be an operation that nobody would guard, "$ref" among them.
      if (!known)
        return wrong(path, "has the member '" + std::string(name) + "', which is not read");
      continue;
    }
    Operation operation;
    operation.path = path;
    for (const char c : name) operation.method += static_cast<char>(c - 'a' + 'A');
    const json::object* fields = member.value().if_object();
    if (!fields) return wrong(operation.method + " " + operation.path, "must be an object");
    LK_CHECK(read_operation(std::move(operation), item, *fields));
  }
  return {};
}

Result<void> Reader::read_operation(Operation operation, const json::object& item,
                                    const json::object& fields) {
  const std::string place = operation.method + " " + operation.path;
  if (result_.operations.size() == kOperationsMax) {
    return wrong(place, "is one operation too many: at most " + std::to_string(kOperationsMax));
  }
  operation.operation_id = find_text(fields, "operationId");
  if (operation.operation_id.empty()) operation.operation_id = place;
  if (!operation_ids_.insert(operation.operation_id).second) {
    return wrong(place,
                 "has the operationId '" + operation.operation_id + "' of another operation");
  }
  const json::value* security = fields.if_contains("security");
  if (!security) security = document_.if_contains("security");
  if (!security) return wrong(place, "says nothing about security (use [] for an open operation)");
  LK_CHECK(read_security(operation, *security));
  LK_CHECK(check_parameters(place, operation.path, item, fields));
  result_.operations.push_back(std::move(operation));
  return {};
}

Result<void> Reader::read_security(Operation& operation, const json::value& security) const {
  const std::string place = operation.method + " " + operation.path;
  const json::array* alternatives = security.if_array();
  if (!alternatives) return wrong(place, "has a security that is no array");
  operation.is_open = alternatives->empty();
  for (const json::value& value : *alternatives) {
    const json::object* entry = value.if_object();
    if (!entry) return wrong(place, "has a security requirement that is no object");
    if (entry->empty()) {
      operation.is_open = true;
      continue;
    }
    if (entry->size() > 1) {
      return wrong(place, "asks for several security schemes at once; list them as alternatives");
    }
    SecurityAlternative alternative{std::string(entry->begin()->key()), {}};
    if (!schemes_.contains(alternative.scheme)) {
      return wrong(place, "names the security scheme '" + alternative.scheme +
                              "', which components/securitySchemes does not have");
    }
    const json::array* scopes = entry->begin()->value().if_array();
    if (!scopes) return wrong(place, "has scopes that are no array");
    for (const json::value& scope : *scopes) {
      const json::string* text = scope.if_string();
      if (!text || text->empty()) return wrong(place, "has a scope that is no text");
      alternative.scopes.emplace_back(*text);
    }
    operation.security.push_back(std::move(alternative));
  }
  return {};
}

Result<void> Reader::check_parameters(const std::string& place, std::string_view path,
                                      const json::object& item, const json::object& fields) const {
  std::set<std::string, std::less<>> declared;
  LK_CHECK(collect_path_parameters(place, item, declared));
  LK_CHECK(collect_path_parameters(place, fields, declared));
  LK_TRY(const auto segments, parse_template(path));
  for (const TemplateSegment& segment : segments) {
    if (segment.is_parameter && declared.erase(segment.text) == 0) {
      return wrong(place, "does not declare the path parameter '" + segment.text + "'");
    }
  }
  if (!declared.empty()) {
    return wrong(place, "declares the path parameter '" + *declared.begin() +
                            "', which its path does not have");
  }
  return {};
}

Result<void> Reader::collect_path_parameters(const std::string& place, const json::object& owner,
                                             std::set<std::string, std::less<>>& names) const {
  const json::value* value = owner.if_contains("parameters");
  if (!value) return {};
  const json::array* parameters = value->if_array();
  if (!parameters) return wrong(place, "has parameters that are no array");
  for (const json::value& element : *parameters) {
    const json::object* parameter = element.if_object();
    if (!parameter) return wrong(place, "has a parameter that is no object");
    if (parameter->contains("$ref")) {
      const std::string_view reference = find_text(*parameter, "$ref");
      const json::object* components = find_object(document_, "components");
      const json::object* shared = components ? find_object(*components, "parameters") : nullptr;
      parameter = shared && reference.starts_with(kParameterPrefix)
                      ? find_object(*shared, reference.substr(kParameterPrefix.size()))
                      : nullptr;
      if (!parameter || parameter->contains("$ref")) {
        return wrong(place, "refers to the parameter '" + std::string(reference) +
                                "', which components/parameters does not have");
      }
    }
    if (find_text(*parameter, "in") == "path") names.emplace(find_text(*parameter, "name"));
  }
  return {};
}

}  // namespace

Result<OpenApiDocument> parse_openapi(std::string_view json_text) {
  if (json_text.size() > kDocumentBytesMax) {
    return wrong("the document", "is over " + std::to_string(kDocumentBytesMax) + " bytes");
  }
  const auto document = parse_json(json_text);
  if (!document) return wrong("the document", "cannot be read: " + document.error().message);
  const json::object* object = document->if_object();
  if (!object) return wrong("the document", "must be an object");
  return Reader(*object).read();
}

}  // namespace latchkey::gate
