#include "gate/openapi.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "gate/openapi_pointer.h"
#include "gate/openapi_servers.h"
#include "gate/path.h"
#include "gate/yaml.h"

namespace latchkey::gate {
namespace {

constexpr std::array<std::string_view, 8> kMethods = {"get",  "put",     "post",  "delete",
                                                      "head", "options", "patch", "trace"};
// Members of a path item that are no operation (OpenAPI 3.1 section 4.8.9.1).
constexpr std::array<std::string_view, 4> kOtherMembers = {"summary", "description", "servers",
                                                           "parameters"};
constexpr size_t kAlternativesMax = 100;
constexpr size_t kScopesMax = 256;
constexpr size_t kFindingsMax = 1'000;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Error wrong(std::string_view place, std::string_view rule) {
  return Error(ErrorCode::configuration,
               "OpenAPI document: " + std::string(place) + " " + std::string(rule) + ".",
               std::string(place));
}

// Reads one document. Lives as long as one call of load_openapi.
class Reader {
 public:
  Reader(const json::object& document, const OpenApiOptions& options)
      : document_(document), options_(options) {}
  Result<OpenApiDocument> read();

 private:
  Result<void> read_version();
  void read_schemes();
  Result<void> read_paths(std::string_view member);
  Result<void> read_path_item(std::string_view path, const json::object& item);
  Result<void> read_operation(Operation operation, const json::object& item,
                              const json::object& fields);
  Result<void> add_at_servers(Operation operation, const json::object& item,
                              const json::object& fields);
  Result<void> read_security(Operation& operation, const json::value& security);
  Result<void> read_requirement(const std::string& place, const json::object& entry,
                                SecurityAlternative& alternative);
  Result<void> check_parameters(const std::string& place, std::string_view path,
                                const json::object& item, const json::object& fields);
  Result<void> collect_path_parameters(const std::string& place, const json::object& owner,
                                       std::set<std::string, std::less<>>& names);
  Result<void> find(const std::string& place, const std::string& rule);

  const json::object& document_;
  const OpenApiOptions& options_;
  bool is_swagger_ = false;
  std::set<std::string, std::less<>> schemes_;
  std::set<std::string> operation_ids_;
  OpenApiDocument result_;
};

// A finding, or the error that it is where findings are refused.
Result<void> Reader::find(const std::string& place, const std::string& rule) {
  if (options_.findings == FindingRule::refuse) return wrong(place, rule);
  if (result_.findings.size() < kFindingsMax) result_.findings.push_back({place, rule});
  return {};
}

Result<OpenApiDocument> Reader::read() {
  LK_CHECK(read_version());
  read_schemes();
  if (!find_object(document_, "paths")) return wrong("paths", "is missing");
  LK_CHECK(read_paths("paths"));
  // Swagger 2.0 files of Microsoft keep paths here that differ in their query only.
  if (is_swagger_ && find_object(document_, "x-ms-paths")) LK_CHECK(read_paths("x-ms-paths"));
  return std::move(result_);
}

Result<void> Reader::read_version() {
  const json::value* swagger = document_.if_contains("swagger");
  if (swagger) {
    const bool is_two = (swagger->is_string() && swagger->get_string() == "2.0") ||
                        (swagger->is_double() && swagger->get_double() == 2.0);  // YAML, unquoted
    if (!is_two) return wrong("swagger", "must be 2.0");
    is_swagger_ = true;
    return {};
  }
  const std::string_view version = find_text(document_, "openapi");
  if (!version.starts_with("3.0.") && !version.starts_with("3.1.")) {
    return wrong("openapi", "must be 3.0.x or 3.1.x, or swagger 2.0");
  }
  return {};
}

void Reader::read_schemes() {
  const json::object* components = find_object(document_, "components");
  const json::object* schemes =
      is_swagger_ ? find_object(document_, "securityDefinitions")
                  : (components ? find_object(*components, "securitySchemes") : nullptr);
  if (!schemes) return;
  for (const auto& member : *schemes) schemes_.emplace(member.key());
}

Result<void> Reader::read_paths(std::string_view member_name) {
  for (const auto& member : *find_object(document_, member_name)) {
    std::string_view path = member.key();
    if (path.starts_with("x-")) continue;  // a specification extension
    const json::object* item = member.value().if_object();
    if (!item) return wrong(path, "must be an object");
    LK_TRY(item, follow_reference(document_, *item));
    if (!item) {
      return wrong(path, "has the member '$ref', which names nothing in this document");
    }
    // A query in a path tells apart what no request's path does.
    if (is_swagger_) path = path.substr(0, path.find('?'));
    LK_CHECK(read_path_item(path, *item));
  }
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
      // It could be an operation. It is not in the table then, so it is not let through.
      if (!known) {
        LK_CHECK(find(std::string(path),
                      "has the member '" + std::string(name) + "', which is not read"));
      }
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
  operation.operation_id = find_text(fields, "operationId");
  if (operation.operation_id.empty()) operation.operation_id = place;
  const json::value* security = fields.if_contains("security");
  if (!security) security = document_.if_contains("security");
  if (!security) return wrong(place, "says nothing about security (use [] for an open operation)");
  LK_CHECK(read_security(operation, *security));
  LK_CHECK(check_parameters(place, operation.path, item, fields));
  return add_at_servers(std::move(operation), item, fields);
}

// Adds `operation` once for each path that its servers begin with.
Result<void> Reader::add_at_servers(Operation operation, const json::object& item,
                                    const json::object& fields) {
  std::vector<std::string> bases;
  if (options_.base_path) {
    bases.push_back(*options_.base_path);
  } else {
    auto read = is_swagger_ ? read_base_path(document_) : read_servers(document_, item, fields);
    if (!read) return wrong(operation.method + " " + operation.path, read.error().message);
    bases = *std::move(read);
  }
  for (const std::string& base : bases) {
    Operation at_base = operation;
    at_base.path = base + operation.path;
    const std::string place = at_base.method + " " + at_base.path;
    if (result_.operations.size() == kOperationsMax) {
      return wrong(place, "is one operation too many: at most " + std::to_string(kOperationsMax));
    }
    if (!operation_ids_.insert(at_base.operation_id).second) {
      // The same operation at another server is no second one.
      if (bases.size() == 1) {
        LK_CHECK(
            find(place, "has the operationId '" + at_base.operation_id + "' of another operation"));
      }
      at_base.operation_id = place;
      for (int n = 2; !operation_ids_.insert(at_base.operation_id).second; ++n) {
        at_base.operation_id = place + " (" + std::to_string(n) + ")";
      }
    }
    result_.operations.push_back(std::move(at_base));
  }
  return {};
}

Result<void> Reader::read_security(Operation& operation, const json::value& security) {
  const std::string place = operation.method + " " + operation.path;
  const json::array* alternatives = security.if_array();
  if (!alternatives) return wrong(place, "has a security that is no array");
  if (alternatives->size() > kAlternativesMax) {
    return wrong(place, "has more than 100 alternatives of security");
  }
  operation.is_open = alternatives->empty();
  for (const json::value& value : *alternatives) {
    const json::object* entry = value.if_object();
    if (!entry) return wrong(place, "has a security requirement that is no object");
    if (entry->empty()) {
      operation.is_open = true;
      continue;
    }
    if (entry->size() > 1) {
      LK_CHECK(find(place, "asks for several security schemes at once; list them as alternatives"));
    }
    SecurityAlternative alternative;
    LK_CHECK(read_requirement(place, *entry, alternative));
    operation.security.push_back(std::move(alternative));
  }
  return {};
}

// One entry of `security`: a token stands for all of its schemes, so it needs the scopes of all.
Result<void> Reader::read_requirement(const std::string& place, const json::object& entry,
                                      SecurityAlternative& alternative) {
  for (const auto& member : entry) {
    const std::string scheme(member.key());
    if (!schemes_.contains(scheme)) {
      return wrong(place, "names the security scheme '" + scheme + "', which " +
                              (is_swagger_ ? "securityDefinitions" : "components/securitySchemes") +
                              " does not have");
    }
    if (alternative.scheme.empty()) alternative.scheme = scheme;
    const json::array* scopes = member.value().if_array();
    if (!scopes) return wrong(place, "has scopes that are no array");
    for (const json::value& scope : *scopes) {
      const json::string* text = scope.if_string();
      if (!text || text->empty()) return wrong(place, "has a scope that is no text");
      if (alternative.scopes.size() == kScopesMax) return wrong(place, "has more than 256 scopes");
      alternative.scopes.emplace_back(*text);
    }
  }
  return {};
}

Result<void> Reader::check_parameters(const std::string& place, std::string_view path,
                                      const json::object& item, const json::object& fields) {
  std::set<std::string, std::less<>> declared;
  LK_CHECK(collect_path_parameters(place, item, declared));
  LK_CHECK(collect_path_parameters(place, fields, declared));
  LK_TRY(const auto segments, parse_template(path));
  for (const std::string& name : parameter_names(segments)) {
    if (declared.erase(name) == 0) {
      LK_CHECK(find(place, "does not declare the path parameter '" + name + "'"));
    }
  }
  if (declared.empty()) return {};
  return find(place, "declares the path parameter '" + *declared.begin() +
                         "', which its path does not have");
}

Result<void> Reader::collect_path_parameters(const std::string& place, const json::object& owner,
                                             std::set<std::string, std::less<>>& names) {
  const json::value* value = owner.if_contains("parameters");
  if (!value) return {};
  const json::array* parameters = value->if_array();
  if (!parameters) return wrong(place, "has parameters that are no array");
  for (const json::value& element : *parameters) {
    const json::object* parameter = element.if_object();
    if (!parameter) return wrong(place, "has a parameter that is no object");
    const std::string reference(find_text(*parameter, "$ref"));
    LK_TRY(parameter, follow_reference(document_, *parameter));
    if (!parameter) {
      LK_CHECK(find(
          place, "refers to the parameter '" + reference + "', which this document does not have"));
      continue;
    }
    if (find_text(*parameter, "in") == "path") names.emplace(find_text(*parameter, "name"));
  }
  return {};
}

Result<json::value> parse_text(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first == text.npos || text[first] == '{' || text[first] == '[';
  return is_json ? parse_json(text, kDocumentDepthMax) : parse_yaml(text);
}

}  // namespace

Result<OpenApiDocument> load_openapi(std::string_view text, const OpenApiOptions& options) {
  if (text.size() > kDocumentBytesMax) {
    return wrong("the document", "is over " + std::to_string(kDocumentBytesMax) + " bytes");
  }
  const auto document = parse_text(text);
  if (!document) return wrong("the document", "cannot be read: " + document.error().message);
  const json::object* object = document->if_object();
  if (!object) return wrong("the document", "must be an object");
  return Reader(*object, options).read();
}

Result<OpenApiDocument> parse_openapi(std::string_view json_text) {
  return load_openapi(json_text, {std::nullopt, FindingRule::refuse});
}

}  // namespace latchkey::gate
