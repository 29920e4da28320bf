#include "api/api.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <unordered_map>

#include "api/authenticate.h"
#include "api/call.h"
#include "api/errors.h"
#include "base/assert.h"
#include "base/embedded.h"
#include "base/text.h"
#include "base/time_text.h"
#include "gate/credential.h"
#include "gate/lesson.h"
#include "gate/openapi.h"
#include "gate/route_table.h"
#include "gate/token_link.h"

LK_EMBEDDED(openapi_json);

namespace latchkey::api {
namespace {

constexpr std::string_view kOrganizationPrefix = "/{organization}/";

// An operation of the document with what guards and answers it.
struct BoundOperation {
  Route route;
  Guard guard;
  bool in_organization = false;  // its first segment names the organization
};

// What one request carries through the stages.
struct Exchange {
  Exchange(const http::Request& a_request, http::Reply a_reply)
      : request(a_request), reply(std::move(a_reply)) {}
  const http::Request& request;
  http::Reply reply;
  service::RequestOrigin origin;
  gate::RouteMatch match;
  const BoundOperation* operation = nullptr;
  Authenticator::Place place;
  std::optional<service::Actor> actor;
  std::optional<service::ProvenClient> client;
  std::optional<Instant> token_valid_to;
  std::optional<SecretText> session;
};
using ExchangePtr = std::shared_ptr<Exchange>;

// The name of a parameter that stands in `query` twice: readers would differ in which one counts.
const std::string* find_repeated(const http::QueryParameters& query) {
  for (auto later = query.begin(); later != query.end(); ++later) {
    const bool is_repeated = std::any_of(query.begin(), later, [&](const auto& earlier) {
      return ascii_equal_ignoring_case(earlier.first, later->first);
    });
    if (is_repeated) return &later->first;
  }
  return nullptr;
}

bool looks_like_an_api(std::string_view path) {
  const std::string lower = ascii_lower(path);
  return lower.find("/_apis") != std::string::npos || lower.find("/_git") != std::string::npos;
}

class ApiImpl final : public Api {
 public:
  ApiImpl(const ApiDependencies& dependencies, const ApiOptions& options)
      : context_{dependencies, options}, authenticator_(context_) {}

  Result<void> load(std::string_view document_text);
  void handle(const http::Request& request, http::Reply reply) override;
  ApiCounters counters() const override {
    return {granted_.load(std::memory_order_relaxed),
            refused_.load(std::memory_order_relaxed),
            sign_ins_refused_.load(std::memory_order_relaxed),
            context_.asked->active.load(std::memory_order_relaxed),
            context_.asked->inactive.load(std::memory_order_relaxed),
            context_.asked->revoked.load(std::memory_order_relaxed),
            unavailable_store_.load(std::memory_order_relaxed),
            unavailable_index_.load(std::memory_order_relaxed),
            unavailable_room_.load(std::memory_order_relaxed),
            unavailable_time_.load(std::memory_order_relaxed)};
  }

 private:
  Result<void> bind(const std::vector<gate::Operation>& operations);
  // The stages. Each ends the exchange or hands it on.
  Result<void> find_operation(Exchange& exchange);
  Result<void> check_credential(Exchange& exchange);
  void dispatch(ExchangePtr exchange);
  void run(Exchange& exchange);
  void run_later(ExchangePtr exchange);
  Result<Call> prepare(Exchange& exchange);
  Result<http::Response> call(Exchange& exchange);
  Result<void> authenticate_session(Exchange& exchange);
  std::string token_link(const Exchange& exchange) const;
  void finish(Exchange& exchange, Result<http::Response> result);
  void count_unavailable(ErrorCode code);
  Error without_route(const Error& error, Exchange& exchange, const gate::Credential& credential);

  const Context context_;
  const Authenticator authenticator_;
  std::vector<BoundOperation> operations_;
  std::optional<gate::RouteTable> routes_;
  std::atomic<uint64_t> granted_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> sign_ins_refused_{0};
  std::atomic<uint64_t> unavailable_store_{0};
  std::atomic<uint64_t> unavailable_index_{0};
  std::atomic<uint64_t> unavailable_room_{0};
  std::atomic<uint64_t> unavailable_time_{0};
};

Result<void> ApiImpl::load(std::string_view document_text) {
  LK_TRY(const gate::OpenApiDocument document, gate::parse_openapi(document_text));
  LK_CHECK(bind(document.operations));
  LK_TRY(auto table, gate::RouteTable::build(document.operations));
  routes_.emplace(std::move(table));
  return {};
}

// Every operation has one handler and every handler one operation.
Result<void> ApiImpl::bind(const std::vector<gate::Operation>& operations) {
  std::unordered_map<std::string_view, Route> by_id;
  for (const auto routes :
       {location_routes(), token_routes(), project_routes(), identity_routes(),
        organization_routes(), page_routes(), feed_routes(), oauth_routes(), usage_routes()}) {
    for (const Route& route : routes) {
      if (!by_id.emplace(route.operation_id, route).second) {
        return Error(ErrorCode::configuration,
                     "Two handlers answer '" + std::string(route.operation_id) + "'.");
      }
    }
  }
  for (const gate::Operation& operation : operations) {
    const auto found = by_id.find(operation.operation_id);
    if (found == by_id.end()) {
      return Error(ErrorCode::configuration,
                   "No handler answers the operation '" + operation.operation_id + "'.");
    }
    LK_TRY(Guard guard, make_guard(context_.dependencies.catalog, operation));
    const bool in_organization = operation.path.starts_with(kOrganizationPrefix);
    operations_.push_back({found->second, std::move(guard), in_organization});
    by_id.erase(found);
  }
  if (!by_id.empty()) {
    return Error(ErrorCode::configuration,
                 "The document lacks the operation '" + std::string(by_id.begin()->first) + "'.");
  }
  return {};
}

void ApiImpl::handle(const http::Request& request, http::Reply reply) {
  auto exchange = std::make_shared<Exchange>(request, std::move(reply));
  exchange->origin = origin_of(request);
  Result<void> checked = check_credential(*exchange);
  if (!checked) return finish(*exchange, std::move(checked).error());
  dispatch(std::move(exchange));
}

Result<void> ApiImpl::find_operation(Exchange& exchange) {
  LK_TRY(exchange.match, routes_->match(exchange.request.method(), exchange.request.path()));
  exchange.operation = &operations_[exchange.match.operation];
  if (exchange.operation->in_organization) {
    const std::string key = core::organization_key(exchange.match.parameter("organization"));
    exchange.place = {true, context_.dependencies.verifier.find_organization(key)};
  }
  return {};
}

// A credential that is not good is refused on every route, also where none is needed or none
// exists.
Result<void> ApiImpl::check_credential(Exchange& exchange) {
  gate::Credential credential;
  LK_CHECK(credential.read(exchange.request));
  if (Result<void> found = find_operation(exchange); !found) {
    return without_route(found.error(), exchange, credential);
  }
  const Guard& guard = exchange.operation->guard;
  LK_TRY(exchange.session, authenticator_.find_session(exchange.request, credential, guard));
  if (exchange.session) return {};  // looked up in the store, on a pool
  if (credential.kind() == gate::CredentialKind::none) {
    if (guard.is_open) return {};
    return Error(ErrorCode::credential_missing);
  }
  if (credential.secret().starts_with(core::kClientSecretPrefix)) {
    LK_TRY(exchange.client, authenticator_.check_client(credential.secret(), &guard));
    return {};
  }
  auto checked =
      authenticator_.check_token(credential.secret(), &guard, exchange.place, exchange.origin);
  (checked ? granted_ : refused_).fetch_add(1, std::memory_order_relaxed);
  if (!checked) return std::move(checked).error();
  exchange.token_valid_to = checked->valid_to;
  exchange.actor.emplace(std::move(checked->actor));
  return {};
}

// Who has no good credential learns nothing of which routes exist below an API's address.
Error ApiImpl::without_route(const Error& error, Exchange& exchange,
                             const gate::Credential& credential) {
  if (error.code == ErrorCode::request_malformed) return error;
  if (credential.kind() == gate::CredentialKind::none) {
    const bool is_api = looks_like_an_api(exchange.request.path());
    return is_api ? Error(ErrorCode::credential_missing) : error;
  }
  if (credential.secret().starts_with(kSessionPrefix)) return error;
  if (credential.secret().starts_with(core::kClientSecretPrefix)) {
    const auto client = authenticator_.check_client(credential.secret(), nullptr);
    return client ? error : client.error();
  }
  const auto checked =
      authenticator_.check_token(credential.secret(), nullptr, {}, exchange.origin);
  return checked ? error : checked.error();
}

void ApiImpl::dispatch(ExchangePtr exchange) {
  const Work work = exchange->operation->route.work;
  if (work == Work::memory && !exchange->session) return run(*exchange);
  if (work == Work::later) return run_later(std::move(exchange));
  http::WorkerPool& pool = work == Work::password ? context_.dependencies.password_workers
                                                  : context_.dependencies.workers;
  if (!pool.post([this, exchange] { run(*exchange); })) {
    finish(*exchange, Error(ErrorCode::overloaded));
  }
}

void ApiImpl::run_later(ExchangePtr exchange) {
  auto call = prepare(*exchange);
  if (!call) return finish(*exchange, std::move(call).error());
  const auto later = exchange->operation->route.later;
  later(*call,
        [this, exchange](Result<http::Response> result) { finish(*exchange, std::move(result)); });
}

void ApiImpl::run(Exchange& exchange) {
  if (exchange.session) {
    if (Result<void> authenticated = authenticate_session(exchange); !authenticated) {
      return finish(exchange, std::move(authenticated).error());
    }
  }
  Result<http::Response> response = call(exchange);
  if (!response && response.error().code == ErrorCode::sign_in_refused) {
    sign_ins_refused_.fetch_add(1, std::memory_order_relaxed);
  }
  finish(exchange, std::move(response));
}

Result<void> ApiImpl::authenticate_session(Exchange& exchange) {
  auto actor = context_.dependencies.services.identity.authenticate_session(*exchange.session,
                                                                            exchange.origin);
  const bool by_cookie = exchange.request.count_headers("Authorization") == 0;
  if (!actor) {
    // A cookie outlives its session; where anybody may call, it is as if it were not there.
    if (by_cookie && exchange.operation->guard.is_open &&
        actor.error().code == ErrorCode::session_unknown) {
      return {};
    }
    return std::move(actor).error();
  }
  exchange.actor.emplace(*std::move(actor));
  return {};
}

Result<Call> ApiImpl::prepare(Exchange& exchange) {
  const auto query = http::parse_query(exchange.request.query());
  if (!query) {
    return Error(ErrorCode::request_malformed, "The query is not well-formed, or too long.");
  }
  if (const std::string* name = find_repeated(*query)) {
    return invalid_field(*name, "must be given once in the query");
  }
  LK_TRY(ApiVersion version,
         negotiate_version(exchange.operation->route.versions, exchange.request, *query));
  Call call{context_, exchange.request, exchange.match};
  call.actor = exchange.actor ? &*exchange.actor : nullptr;
  call.client = exchange.client ? &*exchange.client : nullptr;
  call.origin = exchange.origin;
  call.query = *query;
  call.path_organization = exchange.place.found;
  call.in_organization = exchange.place.named;
  call.version = std::move(version);
  return call;
}

Result<http::Response> ApiImpl::call(Exchange& exchange) {
  LK_TRY(Call call, prepare(exchange));
  const bool versioned = exchange.operation->route.versions != VersionRule::none;
  LK_TRY(http::Response response, exchange.operation->route.function(call));
  if (versioned) {
    for (auto& [name, value] : response.headers) {
      // The version is text from outside: it was parsed, so it holds nothing but digits and a word.
      if (name == "Content-Type") value += "; api-version=" + call.version.text;
    }
  }
  if (call.revision.number != 0) {
    context_.dependencies.verifier.wait_for(call.revision, context_.options.index_wait_max);
    response.add_header("X-Latchkey-Revision",
                        core::format_position({context_.options.epoch(), call.revision}));
  }
  return response;
}

// Where a token is made that opens the operation; empty outside of organizations.
std::string ApiImpl::token_link(const Exchange& exchange) const {
  if (!exchange.place.found) return {};
  const Guard& guard = exchange.operation->guard;
  const std::string organization(exchange.match.parameter("organization"));
  return gate::token_page_link(context_.options.public_url,
                               {organization, guard.least_scopes, guard.operation_id});
}

void ApiImpl::count_unavailable(ErrorCode code) {
  std::atomic<uint64_t>* counter = nullptr;
  if (code == ErrorCode::store_unavailable) counter = &unavailable_store_;
  if (code == ErrorCode::index_stale) counter = &unavailable_index_;
  if (code == ErrorCode::overloaded) counter = &unavailable_room_;
  if (code == ErrorCode::timed_out) counter = &unavailable_time_;
  if (counter != nullptr) counter->fetch_add(1, std::memory_order_relaxed);
}

void ApiImpl::finish(Exchange& exchange, Result<http::Response> result) {
  const http::Request& request = exchange.request;
  ErrorScene scene{context_.options.public_url, request.count_headers(kAntiForgeryHeader) != 0};
  gate::Lesson lesson;
  std::string link;
  if (!result && result.error().code == ErrorCode::scope_missing && exchange.operation != nullptr) {
    const Guard& guard = exchange.operation->guard;
    link = token_link(exchange);
    lesson = {guard.operation_id, &guard.alternatives, link};
    scene.lesson = &lesson;
  }
  if (!result && result.error().code == ErrorCode::internal) {
    context_.dependencies.log.error("api.internal", {{"request_id", request.request_id()},
                                                     {"message", result.error().message}});
  }
  if (!result) count_unavailable(result.error().code);
  http::Response response = result ? *std::move(result) : error_response(result.error(), scene);
  const auto has = [&](std::string_view name) {
    return std::any_of(response.headers.begin(), response.headers.end(),
                       [&](const auto& header) { return header.first == name; });
  };
  if (!has("Cache-Control")) {
    response.add_header("Cache-Control", "no-store, no-cache");
    response.add_header("Pragma", "no-cache");
    response.add_header("Expires", "-1");
  }
  response.add_header("ActivityId", std::string(request.request_id()));
  response.add_header("X-VSS-E2EID", std::string(request.request_id()));
  const auto session = request.header("X-TFS-Session");
  if (session && parse_uuid(*session)) response.add_header("X-TFS-Session", std::string(*session));
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("X-Frame-Options", "SAMEORIGIN");
  if (exchange.token_valid_to && *exchange.token_valid_to - context_.dependencies.clock.now() <=
                                     context_.options.expiry_notice) {
    response.add_header("X-Latchkey-Token-Expires", format_date_time(*exchange.token_valid_to));
  }
  exchange.reply.send(std::move(response));
}

}  // namespace

Result<std::unique_ptr<Api>> Api::create(const ApiDependencies& dependencies,
                                         const ApiOptions& options) {
  auto api = std::make_unique<ApiImpl>(dependencies, options);
  LK_CHECK(api->load(embedded::openapi_json()));
  return std::unique_ptr<Api>(std::move(api));
}

}  // namespace latchkey::api
