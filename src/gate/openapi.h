// Reads an API description into the operations that a route table guards.
//
// OpenAPI 3.0 and 3.1 and Swagger 2.0, in JSON or YAML. Every operation must say what it asks of a
// caller: `security` at the operation or at the document. A document with an operation that says
// nothing is refused at load, naming it. Several entries of `security` are alternatives; the scopes
// of one entry are needed together. What does not bear on who may call (a parameter that nobody
// declared, an id that stands twice) is a finding, and an error only where it is asked to be.
// Thread safety: pure functions. Spec: docs/spec/openapi-routes.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace latchkey::gate {

inline constexpr size_t kDocumentBytesMax = 32 * 1024 * 1024;
inline constexpr size_t kDocumentDepthMax = 100;
inline constexpr size_t kOperationsMax = 50'000;

// One way in: a security scheme of the document and the scopes that it asks for together. Where a
// document asks for several schemes at once, the first is named and the scopes are those of all.
struct SecurityAlternative {
  std::string scheme;
  std::vector<std::string> scopes;
};

// What else a request must have to be an operation: route rules only. Empty texts ask for nothing.
struct RouteCondition {
  std::string host;         // "api.example.com", or "*.example.com" for any first label
  std::string query_name;   // a parameter that stands once in the query
  std::string query_value;  // with exactly this value; empty: the parameter is not there
  bool operator==(const RouteCondition&) const = default;
};

struct Operation {
  std::string operation_id;  // unique in the document; "GET /path" when the document gives none
  std::string method;        // upper case; "*" for each one that its path has no other rule for
  std::string path;          // template with the server's path, e.g. "/v1/projects/{projectId}"
  std::vector<SecurityAlternative> security;
  bool is_open = false;    // the document lets anybody call it, also without a credential
  bool is_public = false;  // and the operator does: a route rule
  RouteCondition condition = {};
};

// Something in a document that is worth a look, but leaves no doubt about who may call.
struct Finding {
  std::string place;  // "GET /path", or a member's name
  std::string rule;   // completes the sentence that `place` begins
};

struct OpenApiDocument {
  std::vector<Operation> operations;
  std::vector<Finding> findings;
};

enum class FindingRule { collect, refuse };

struct OpenApiOptions {
  // In the place of `servers` or `basePath`: "" or "/v1".
  std::optional<std::string> base_path;
  FindingRule findings = FindingRule::collect;
};

// Reads our own document: JSON, and a finding is an error.
// Errors: configuration, naming the operation or place and the rule that it breaks.
Result<OpenApiDocument> parse_openapi(std::string_view json_text);

// Reads anybody's document: JSON if its first character is a brace, YAML if not; a byte order mark
// is passed over. Errors: as parse_openapi; what cannot be parsed is named by its line.
Result<OpenApiDocument> load_openapi(std::string_view text, const OpenApiOptions& options);

}  // namespace latchkey::gate
