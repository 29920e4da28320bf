// Which operation a request is, by method and path.
//
// Concrete segments win over templated ones at the first place where they differ, as the OpenAPI
// specification says; between them stand those of text and parameters, and last a rest. Templates
// that differ in parameter names only are refused. Text compares without ASCII case. A path is
// decoded once, before matching (gate/path.h): what could be read in two ways is refused. What is
// not in the table is not let through. HEAD is answered by GET's operation where it has none.
// Thread safety: immutable after build(). Spec: docs/spec/openapi-routes.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gate/openapi.h"
#include "gate/path.h"

namespace latchkey::gate {

class RouteTree;

struct PathParameter {
  std::string_view name;  // as in the template; lives as long as the table
  std::string value;      // decoded
};

struct RouteMatch {
  size_t operation = 0;  // index into the operations that the table was built from
  std::vector<PathParameter> parameters;
  bool is_spelled_alike = true;  // the path's fixed text is the template's, case and all

  // The value of `name`. REQUIRES: the operation's template has it.
  const std::string& parameter(std::string_view name) const;
};

class RouteTable {
 public:
  // Errors: configuration (two operations with one method and indistinguishable templates).
  static Result<RouteTable> build(const std::vector<Operation>& operations);
  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;
  ~RouteTable();

  // Errors: request_malformed (the path cannot be read one way only); route_unknown;
  //         method_not_allowed (`detail` has the methods that the path has, "GET, HEAD, POST").
  // Cost: of the path's length, and of the templates that begin like it.
  Result<RouteMatch> match(std::string_view method, std::string_view path,
                           EncodedSlash encoded_slash = EncodedSlash::refused) const;

 private:
  explicit RouteTable(RouteTree tree);
  std::unique_ptr<const RouteTree> tree_;
};

}  // namespace latchkey::gate
