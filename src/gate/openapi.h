// Reads an OpenAPI document into the operations that a route table guards.
//
// Every operation must say what it asks of a caller: `security` at the operation or at the
// document, with `[]` or `{}` for one that is open to anybody. A document with an operation that
// says nothing is refused at load, naming it. Several entries of `security` are alternatives; the
// scopes of one entry are needed together. Reads OpenAPI 3.0 and 3.1 in JSON. Thread safety: pure
// functions. Spec: docs/spec/openapi-routes.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace latchkey::gate {

inline constexpr size_t kDocumentBytesMax = 32 * 1024 * 1024;
inline constexpr size_t kOperationsMax = 50'000;

// One way in: a security scheme of the document and the scopes that it asks for together.
struct SecurityAlternative {
  std::string scheme;  // the name under components/securitySchemes
  std::vector<std::string> scopes;
};

struct Operation {
  std::string operation_id;  // unique in the document; "GET /path" when the document gives none
  std::string method;        // upper case
  std::string path;          // template, e.g. "/{organization}/_apis/projects/{projectId}"
  std::vector<SecurityAlternative> security;
  bool is_open = false;  // anybody may call it, also without a credential
};

struct OpenApiDocument {
  std::vector<Operation> operations;
};

// Errors: configuration, naming the operation or place and the rule that it breaks.
Result<OpenApiDocument> parse_openapi(std::string_view json_text);

}  // namespace latchkey::gate
