// The operations of API descriptions with what each asks of a token, and which one a request is.
//
// Scopes are looked up in a catalog; one that it does not have is refused, naming the operation. An
// operation that its document leaves open takes any good token, unless the operator opens it: a
// document is written for the API as it was, before a gate stood before it. Two operations that no
// request can tell apart are one if they ask for the same, and refused if not.
// Thread safety: immutable after build(). Spec: docs/spec/openapi-routes.md.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/scope_catalog.h"
#include "gate/openapi.h"
#include "gate/route_table.h"
#include "verify/requirement.h"

namespace latchkey::gate {

// What several scopes in one entry of `security` mean.
enum class ScopeList {
  all,     // the token needs every one (the OpenAPI specification)
  any_one  // any one is enough (the published files of Azure DevOps)
};

// What becomes of an operation that asks for a scope that the catalog does not have.
enum class UnknownScopes {
  refuse,           // the whole document
  need_full_access  // nothing less opens the operation: for a look at a document before its scopes
};

struct GuardOptions {
  ScopeList scope_list = ScopeList::all;
  UnknownScopes unknown_scopes = UnknownScopes::refuse;
  std::set<std::string> open_operations = {};  // ids of those that anybody may call
  EncodedSlash encoded_slash = EncodedSlash::refused;
};

// What route rules may ask of a request beside its method and path.
struct RouteFacts {
  std::string_view host = {};   // as parse_host() makes it
  std::string_view query = {};  // as sent, without '?'
};

struct GuardedOperation {
  Operation operation;
  verify::ScopeRequirement requirement = verify::ScopeRequirement({});
  std::vector<std::vector<std::string>> alternatives;  // scopes by name; {} is any good token
  std::vector<std::string> unknown_scopes;             // those that the catalog does not have
  bool is_open = false;                                // also without a credential
};

// What a decision reads of an operation: few cache lines, since those that ask for the same share
// it. Lives as long as the routes.
struct OperationAccess {
  const verify::ScopeRequirement* requirement = nullptr;
  bool is_open = false;  // also without a credential
};

class GuardedRoutes {
 public:
  // Errors: configuration (an unknown scope; operations that cannot be told apart and ask for
  //         different scopes; an id in `open_operations` that no operation has, or whose document
  //         does not leave it open).
  static Result<GuardedRoutes> build(const core::ScopeCatalog& catalog,
                                     const std::vector<Operation>& operations,
                                     const GuardOptions& options);

  struct Match {
    const GuardedOperation* operation;  // lives as long as the routes
    RouteMatch route;
    OperationAccess access;  // of the operation
  };
  // Of operations of one method and path the one whose condition holds; a host counts before a
  // query, and what asks for nothing comes last. Errors: those of RouteTable::match; route_unknown
  // if no condition holds; request_malformed (a query that could be read in two ways).
  Result<Match> match(std::string_view method, std::string_view path,
                      const RouteFacts& facts = {}) const;

  const std::vector<GuardedOperation>& operations() const { return operations_; }

 private:
  struct Variant {
    uint32_t operation = 0;    // in operations_
    uint32_t requirement = 0;  // in requirements_
    bool is_open = false;
  };
  // The operations of one of the table's: only one, or places in variants_ if any has a condition.
  struct Group {
    Variant only;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  GuardedRoutes(std::vector<GuardedOperation> operations,
                const std::vector<std::vector<size_t>>& groups, RouteTable table,
                EncodedSlash encoded_slash);
  Match match_of(const Variant& variant, RouteMatch route) const;

  std::vector<GuardedOperation> operations_;
  std::vector<verify::ScopeRequirement> requirements_;  // each once
  std::vector<Variant> variants_;
  std::vector<Group> groups_;  // of each of the table's operations
  RouteTable table_;
  EncodedSlash encoded_slash_;
};

// "vso.code, or vso.build with vso.work, or full access"; "any good token".
std::string describe_alternatives(const std::vector<std::vector<std::string>>& alternatives);

}  // namespace latchkey::gate
