// All APIs behind the gate, and which of them a request is for.
//
// An API is chosen by host and path: an exact host wins over one with a star, and this over any
// host; among those of one host the longest path prefix wins. A table is built whole or not at all,
// so a bad reload leaves the one in use. Thread safety: immutable after build(). Spec:
// docs/spec/gate.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/scope_catalog.h"
#include "gate/api_settings.h"
#include "gate/guarded_routes.h"
#include "gate/host.h"
#include "gate/path.h"

namespace latchkey::gate {

// One API, ready to decide.
struct Api {
  ApiSettings settings;  // without the documents' texts
  std::vector<HostPattern> hosts;
  std::vector<std::string> prefix;  // its segments
  GuardedRoutes routes;
  std::vector<Finding> findings;             // of its documents
  std::map<std::string, std::string> files;  // "GET /path" to the document that has it
  bool basic_only = false;                   // refusals challenge with Basic only
  size_t number = 0;                         // its place in the table
};

// What is made of scopes that the catalog does not have: for a look before they are declared.
struct TableOptions {
  UnknownScopes unknown_scopes = UnknownScopes::refuse;
};

class ApiTable {
 public:
  // Errors: configuration (`field` is "gate.api[N].KEY"; the message names the API, the key and
  //         the rule, and for a document the file and its place).
  static Result<std::shared_ptr<const ApiTable>> build(const core::ScopeCatalog& catalog,
                                                       std::vector<ApiSettings> apis,
                                                       const TableOptions& options = {});

  struct Choice {
    const Api* api = nullptr;  // null: the request is for none
    std::string organization;  // what stands for the name in the host's pattern, if any
  };
  // The API of `path` on `host`, which parse_host() made. A path that no API could have is none.
  Choice choose(std::string_view host, std::string_view path) const;

  const std::vector<Api>& apis() const { return apis_; }

 private:
  ApiTable() = default;
  const Api* choose_among(std::string_view key, const PathSegments& path) const;
  std::vector<Api> apis_;
  std::map<std::string, std::vector<size_t>, std::less<>> by_host_;  // longest prefix first
};

}  // namespace latchkey::gate
