// The lifecycle API of personal access tokens. Contract section 1; docs/spec/lifecycle-api.md.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/call.h"
#include "api/errors.h"
#include "api/wire.h"
#include "base/assert.h"
#include "base/text.h"
#include "base/time_text.h"
#include "core/role.h"

namespace latchkey::api {
namespace {

std::string_view status_name(core::TokenStatus status) {
  switch (status) {
    case core::TokenStatus::active: return "active";
    case core::TokenStatus::expired: return "expired";
    case core::TokenStatus::revoked: return "revoked";
  }
  return "";
}

// The contract's fields in its order, then ours.
json::object token_json(const core::Token& token, Instant now) {
  json::object body;
  body["displayName"] = token.display_name;
  body["validTo"] = format_date_time(token.valid_to);
  body["scope"] = token.scope;
  body["targetAccounts"] = json::array{format_id(token.organization)};
  body["validFrom"] = format_date_time(token.valid_from);
  body["authorizationId"] = format_id(token.id);
  body["token"] = nullptr;
  body["status"] = status_name(core::token_status(token, now));
  return body;
}

// Those of a token's scopes that its owner's role takes from it (docs/spec/scopes.md, S14).
json::array withheld_scopes(const core::ScopeCatalog& catalog, std::string_view scope,
                            const core::ScopeSet& allowed) {
  json::array withheld;
  for (const std::string_view identifier : split(scope, ' ')) {
    const core::Scope* known = catalog.find(identifier);
    if (known != nullptr && !allowed.contains(known->number)) withheld.emplace_back(identifier);
  }
  return withheld;
}

// What the caller's role in `organization` allows their tokens.
Result<core::ScopeSet> allowed_scopes(const Call& call, core::OrganizationId organization) {
  LK_TRY(const auto membership, call.services().organizations.get(call.caller(), organization));
  return core::role_mask(call.context.dependencies.catalog, membership.role);
}

// A row as lists show it: with its last use, which may not be written yet.
json::object row_json(const Call& call, const store::TokenRow& row, const core::ScopeSet& allowed) {
  json::object body = token_json(row.token, call.context.dependencies.clock.now());
  body["withheldScopes"] =
      withheld_scopes(call.context.dependencies.catalog, row.token.scope, allowed);
  std::optional<core::LastUse> use = call.services().last_use.find(row.token.id);
  if (!use || (row.last_use && row.last_use->at > use->at)) use = row.last_use;
  body["lastUsedOn"] = use ? json::value(format_date_time(use->at)) : json::value(nullptr);
  body["lastUsedFrom"] = use ? json::value(use->address) : json::value(nullptr);
  body["lastUsedBy"] = use ? json::value(use->user_agent) : json::value(nullptr);
  return body;
}

http::Response result_response(json::value pat_token, std::string_view error,
                               std::string_view message) {
  json::object body;
  body["patToken"] = std::move(pat_token);
  body["patTokenError"] = error;
  // 7.2's field; sent to every version where there is something to say.
  if (!message.empty()) body["patTokenErrorMessage"] = message;
  return json_response(200, body);
}

// A business error is an answer with status 200 that names it; anything else is a refusal.
Result<http::Response> answer_error(const Call& call, const Error& error) {
  const std::string_view name = pat_token_error(error.code, call.version.at_least(7, 2));
  if (name.empty()) return error;
  const std::string message = error.message.empty() ? std::string(name) : error.message;
  return result_response(nullptr, name, message);
}

http::Response issued_response(Call& call, const service::Changed<service::IssuedToken>& issued) {
  call.revision = issued.revision;
  json::object body = token_json(issued.value.token, call.context.dependencies.clock.now());
  body["token"] = issued.value.text.reveal(RevealSecret{});
  http::Response response = result_response(std::move(body), "none", "");
  if (issued.value.is_replay) response.add_header("Idempotency-Replayed", "true");
  return response;
}

// The request's Idempotency-Key, if it has one (docs/spec/idempotency.md).
Result<std::optional<core::IdempotencyKey>> read_idempotency_key(const http::Request& request) {
  const size_t count = request.count_headers(core::kIdempotencyKeyHeader);
  if (count == 0) return std::optional<core::IdempotencyKey>();
  if (count > 1) return invalid_field(core::kIdempotencyKeyHeader, "must be given once");
  LK_TRY(auto key, core::IdempotencyKey::parse(*request.header(core::kIdempotencyKeyHeader)));
  return std::optional(std::move(key));
}

// A date that cannot be read is a well-typed value against a rule.
Result<std::optional<Instant>> read_valid_to(JsonReader& reader) {
  LK_TRY(const auto text, reader.optional_text("validTo"));
  if (!text) return std::optional<Instant>();
  const auto instant = parse_date_time(*text);
  if (!instant) {
    return Error(ErrorCode::pat_invalid_valid_to, "'validTo' " + instant.error().message + ".",
                 "validTo");
  }
  return std::optional(*instant);
}

Result<core::CreateToken> read_create(const json::value& body) {
  LK_TRY(JsonReader reader, JsonReader::object(body));
  core::CreateToken request;
  LK_TRY(auto display_name, reader.optional_text("displayName"));
  LK_TRY(auto scope, reader.optional_text("scope"));
  LK_TRY(request.all_organizations, read_lenient_boolean(reader, "allOrgs"));
  LK_TRY(request.valid_to, read_valid_to(reader));
  request.display_name = std::move(display_name).value_or("");
  request.scope = std::move(scope).value_or("");
  return request;
}

Result<core::TokenId> parse_authorization_id(std::string_view text) {
  const auto id = core::parse_id<core::TokenId>(text);
  if (id && !id->is_nil()) return *id;
  return Error(ErrorCode::pat_invalid_authorization_id, "'authorizationId' must be a UUID.",
               "authorizationId");
}

struct UpdateRequest {
  core::TokenId id;
  core::UpdateToken update;
};

Result<UpdateRequest> read_update(const json::value& body) {
  LK_TRY(JsonReader reader, JsonReader::object(body));
  UpdateRequest request;
  LK_TRY(const auto id, reader.optional_text("authorizationId"));
  LK_TRY(request.update.display_name, reader.optional_text("displayName"));
  LK_TRY(request.update.scope, reader.optional_text("scope"));
  LK_TRY(request.update.all_organizations, read_lenient_boolean(reader, "allOrgs"));
  LK_TRY(request.id, parse_authorization_id(id.value_or("")));
  LK_TRY(request.update.valid_to, read_valid_to(reader));
  return request;
}

Result<http::Response> create_token(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto key, read_idempotency_key(call.request));
  LK_TRY(const json::value body, call.body());
  const auto request = read_create(body);
  if (!request) return answer_error(call, request.error());
  const auto issued =
      call.services().tokens.create(call.caller(), organization, *request, key ? &*key : nullptr);
  if (!issued) return answer_error(call, issued.error());
  return issued_response(call, *issued);
}

Result<http::Response> get_token(Call& call, core::OrganizationId organization,
                                 const std::string& id_text) {
  const auto id = parse_authorization_id(id_text);
  if (!id) return answer_error(call, id.error());
  const auto row = call.services().tokens.get(call.caller(), organization, *id);
  if (!row) return answer_error(call, row.error());
  LK_TRY(const core::ScopeSet allowed, allowed_scopes(call, organization));
  return result_response(row_json(call, *row, allowed), "none", "");
}

template <class Enum>
using Names = std::initializer_list<std::pair<std::string_view, Enum>>;

// Reads a query parameter that is one of `names`, without case.
template <class Enum>
Result<Enum> choose(const Call& call, std::string_view parameter, Names<Enum> names,
                    Enum otherwise) {
  const auto text = call.parameter(parameter);
  if (!text || text->empty()) return otherwise;
  std::string allowed;
  for (const auto& [name, value] : names) {
    if (ascii_equal_ignoring_case(*text, name)) return value;
    allowed += (allowed.empty() ? "" : ", ") + std::string(name);
  }
  return invalid_field(parameter, "must be one of " + allowed);
}

Result<service::TokenListQuery> read_list_query(const Call& call) {
  service::TokenListQuery query;
  using store::TokenFilter;
  using store::TokenSort;
  LK_TRY(query.filter, choose<TokenFilter>(call, "displayFilterOption",
                                           {{"active", TokenFilter::active},
                                            {"revoked", TokenFilter::revoked},
                                            {"expired", TokenFilter::expired},
                                            {"all", TokenFilter::all}},
                                           TokenFilter::active));
  LK_TRY(query.sort, choose<TokenSort>(call, "sortByOption",
                                       {{"displayName", TokenSort::display_name},
                                        {"displayDate", TokenSort::expires},
                                        {"status", TokenSort::status},
                                        {"expiresOn", TokenSort::expires},
                                        {"lastUsedOn", TokenSort::last_used},
                                        {"createdOn", TokenSort::created}},
                                       TokenSort::created));
  LK_TRY(const bool ascending, call.flag("isSortAscending", false));
  query.direction = ascending ? store::SortDirection::ascending : store::SortDirection::descending;
  LK_TRY(query.top, call.number("$top", {1, 100, 100}));
  query.continuation_token = call.parameter("continuationToken").value_or("");
  query.search = call.parameter("search").value_or("");
  if (query.search.size() > core::kTokenNameMax) {
    return invalid_field("search", "must be at most 256 bytes long");
  }
  if (has_control_character(query.search)) {
    return invalid_field("search", "must not have control characters");
  }
  return query;
}

Result<http::Response> get_or_list_tokens(Call& call) {
  LK_TRY(const auto organization, call.organization());
  if (const auto id = call.parameter("authorizationId")) return get_token(call, organization, *id);
  LK_TRY(const service::TokenListQuery query, read_list_query(call));
  LK_TRY(const service::TokenList list,
         call.services().tokens.list(call.caller(), organization, query));
  LK_TRY(const core::ScopeSet allowed, allowed_scopes(call, organization));
  json::array tokens;
  for (const store::TokenRow& row : list.rows) tokens.push_back(row_json(call, row, allowed));
  json::object body;
  body["continuationToken"] = list.continuation_token;
  body["patTokens"] = std::move(tokens);
  return json_response(200, body);
}

Result<http::Response> update_token(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const json::value body, call.body());
  const auto request = read_update(body);
  if (!request) return answer_error(call, request.error());
  const auto changed =
      call.services().tokens.update(call.caller(), organization, request->id, request->update);
  if (!changed) return answer_error(call, changed.error());
  call.revision = changed->revision;
  return result_response(token_json(changed->value, call.context.dependencies.clock.now()), "none",
                         "");
}

// The contract gives a revoke no result to hold an error, so an error is a refusal here.
Result<http::Response> revoke_token(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto id, parse_authorization_id(call.parameter("authorizationId").value_or("")));
  LK_TRY(const auto changed, call.services().tokens.revoke(call.caller(), organization, id));
  call.revision = changed.revision;
  return no_content();
}

Result<http::Response> regenerate_token(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto key, read_idempotency_key(call.request));
  const auto id = parse_authorization_id(call.match.parameter("authorizationId"));
  if (!id) return answer_error(call, id.error());
  std::optional<Instant> valid_to;
  if (!call.request.body().empty()) {
    LK_TRY(const json::value body, call.strict_body());
    LK_TRY(JsonReader reader, JsonReader::object(body));
    const auto given = read_valid_to(reader);
    if (!given) return answer_error(call, given.error());
    LK_CHECK(reader.refuse_unknown_fields());
    valid_to = *given;
  }
  const auto issued = call.services().tokens.regenerate(call.caller(), organization, *id, valid_to,
                                                        key ? &*key : nullptr);
  if (!issued) return answer_error(call, issued.error());
  return issued_response(call, *issued);
}

Result<http::Response> get_token_self(Call& call) {
  LK_TRY(const service::Tokens::Self self, call.services().tokens.self(call.caller()));
  json::object body;
  body["authorizationId"] = format_id(self.token.id);
  body["displayName"] = self.token.display_name;
  body["scope"] = self.token.scope;
  json::array scopes;
  for (const std::string_view scope : split(self.token.scope, ' ')) scopes.emplace_back(scope);
  body["scopes"] = std::move(scopes);
  body["effectiveScope"] = call.context.dependencies.catalog.format(call.caller().token_scopes());
  body["validFrom"] = format_date_time(self.token.valid_from);
  body["validTo"] = format_date_time(self.token.valid_to);
  body["organization"] = {{"id", format_id(self.organization.id)},
                          {"name", self.organization.name}};
  body["owner"] = {{"id", format_id(self.owner.id)},
                   {"displayName", self.owner.display_name},
                   {"email", self.owner.email}};
  return json_response(200, body);
}

std::string_view origin_name(core::ScopeOrigin origin) {
  switch (origin) {
    case core::ScopeOrigin::built_in: return "builtIn";
    case core::ScopeOrigin::declared: return "declared";
    case core::ScopeOrigin::withdrawn: return "withdrawn";
  }
  LK_ASSERT(false);
  return {};
}

Result<http::Response> list_scopes(Call& call) {
  json::array value;
  for (const core::Scope& scope : call.context.dependencies.catalog.scopes()) {
    json::object row;
    row["identifier"] = scope.identifier;
    const bool full = !scope.implies.empty() && scope.implies.front() == "*";
    row["number"] = full ? json::value(nullptr) : json::value(scope.number.value);
    row["category"] = scope.category;
    row["level"] = scope.level;
    row["description"] = scope.description;
    row["implies"] = json::array(scope.implies.begin(), scope.implies.end());
    row["highPrivilege"] = scope.high_privilege;
    row["shown"] = scope.shown;
    row["grantable"] = scope.grantable;
    row["origin"] = origin_name(scope.origin);
    value.push_back(std::move(row));
  }
  return collection_response(std::move(value));
}

constexpr Route kRoutes[] = {
    {"createToken", Work::store, VersionRule::preview_from_61, create_token},
    {"getOrListTokens", Work::store, VersionRule::preview_from_61, get_or_list_tokens},
    {"updateToken", Work::store, VersionRule::preview_from_61, update_token},
    {"revokeToken", Work::store, VersionRule::preview_from_61, revoke_token},
    {"regenerateToken", Work::store, VersionRule::preview_from_61, regenerate_token},
    {"getTokenSelf", Work::store, VersionRule::any, get_token_self},
    {"listScopes", Work::memory, VersionRule::none, list_scopes},
};

}  // namespace

std::span<const Route> token_routes() { return kRoutes; }

}  // namespace latchkey::api
