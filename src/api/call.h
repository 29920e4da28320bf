// One call of one operation, as its handler sees it.
//
// By the time a handler runs, the guard has let the caller through: the credential is good, a scope
// or the session opens the operation, the version is one that the route has. What a handler returns
// is the answer's body and status; the common headers are the dispatcher's. Thread safety: one
// thread a Call.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/api.h"
#include "api/version.h"
#include "base/json.h"
#include "base/secret.h"
#include "gate/route_table.h"
#include "http/message.h"
#include "service/actor.h"

namespace latchkey::api {

// What clients and holders asked about tokens, counted.
struct AskedCounters {
  std::atomic<uint64_t> active{0};
  std::atomic<uint64_t> inactive{0};
  std::atomic<uint64_t> revoked{0};
};

// What every handler may use; lives as long as the Api.
struct Context {
  ApiDependencies dependencies;
  ApiOptions options;
  std::unique_ptr<AskedCounters> asked = std::make_unique<AskedCounters>();
};

struct Call {
  const Context& context;
  const http::Request& request;
  const gate::RouteMatch& match;
  const service::Actor* actor = nullptr;          // null: anonymous, or a client
  const service::ProvenClient* client = nullptr;  // of an operation that takes clients
  service::RequestOrigin origin = {};
  ApiVersion version = {};
  http::QueryParameters query = {};
  // The active organization that the path's first segment names; nothing when there is none.
  std::optional<core::OrganizationId> path_organization = std::nullopt;
  bool in_organization = false;  // the path's first segment names an organization
  // Set by a handler that changed something: the answer waits for the index to have it.
  core::Revision revision = {};

  const Services& services() const { return context.dependencies.services; }
  // REQUIRES: the operation is not open to anybody.
  const service::Actor& caller() const;
  // REQUIRES: the operation takes clients only.
  const service::ProvenClient& calling_client() const;
  // Errors: organization_unknown; for an anonymous caller credential_missing, so that nobody learns
  // from outside which organizations there are.
  Result<core::OrganizationId> organization() const;
  // The query parameter `name`, compared without case.
  std::optional<std::string> parameter(std::string_view name) const;
  // A whole number within `least` and `most`, or `otherwise` when it is not given.
  // Errors: invalid_argument naming it.
  struct Range {
    int least;
    int most;
    int otherwise;
  };
  Result<int> number(std::string_view name, Range range) const;
  Result<bool> flag(std::string_view name, bool otherwise) const;
  // The body as JSON. Errors: body_malformed.
  Result<json::value> body() const;
  // The body of a route of ours: JSON by its content type too, so that no form of another site can
  // send one. Errors: invalid_argument (Content-Type), body_malformed.
  Result<json::value> strict_body() const;
  // An absolute address below public_url; `path` begins with '/'.
  std::string url(std::string_view path) const;
};

using HandlerFunction = Result<http::Response> (*)(Call&);
// Called once, from any thread, with the answer of a handler that gives it later.
using Answer = std::function<void(Result<http::Response>)>;
using LaterFunction = void (*)(Call&, Answer);

// Where a handler runs: what only reads memory on the network thread, the rest on a pool. One that
// answers later runs on the network thread too, and the call has ended when its answer comes.
enum class Work { memory, store, password, later };

struct Route {
  std::string_view operation_id;
  Work work;
  VersionRule versions;
  HandlerFunction function;       // null where `later` is not
  LaterFunction later = nullptr;  // with Work::later
};

// A JSON answer.
http::Response json_response(int status, const json::value& body);
// {"count": n, "value": [...]}.
http::Response collection_response(json::array value);
http::Response no_content();
// The address of the page of a one-time link; the code stands behind '#', so no server or log sees
// it.
std::string link_address(const Call& call, const SecretText& code);

// The handlers of each area.
std::span<const Route> location_routes();
std::span<const Route> token_routes();
std::span<const Route> project_routes();
std::span<const Route> identity_routes();
std::span<const Route> organization_routes();
std::span<const Route> oauth_routes();
std::span<const Route> page_routes();
std::span<const Route> feed_routes();
std::span<const Route> usage_routes();

}  // namespace latchkey::api
