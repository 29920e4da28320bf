// Where an API's paths begin: `servers` of OpenAPI 3 and `basePath` of Swagger 2.0.
//
// Only the path of a server counts, since a gate stands on a host of its own; a variable in it is
// each of its values, or its default. Thread safety: pure functions. Spec: openapi-routes.md.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace latchkey::gate {

// The paths before those of an operation, each once: "" or "/v1". An operation's servers win over
// its path item's, and these over the document's.
// Errors: configuration (the message completes "The operation ..."; a relative URL, a variable
//         without a value, more than 64 paths).
Result<std::vector<std::string>> read_servers(const json::object& document,
                                              const json::object& item,
                                              const json::object& operation);
Result<std::vector<std::string>> read_base_path(const json::object& document);

}  // namespace latchkey::gate
