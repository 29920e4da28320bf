// What OAuth has for resource servers: introspection (RFC 7662), revocation (RFC 7009), metadata
// (RFC 8414); and a check of many tokens in one call. docs/spec/oauth.md.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/call.h"
#include "base/assert.h"
#include "base/text.h"
#include "core/organization.h"
#include "gate/token_form.h"
#include "verify/read_after.h"

namespace latchkey::api {
namespace {

constexpr size_t kChecksMax = 1000;
constexpr size_t kScopeBytesMax = 4096;
constexpr size_t kNameBytesMax = 100;

// What is asked about one token. The texts are borrowed.
struct Question {
  std::string_view token;
  std::string_view required_scope;
  std::string_view organization;
};

// Active tokens of organizations that are the client's business have a grant; the rest have none.
struct Finding {
  std::optional<verify::Grant> grant;
  std::optional<bool> scope_sufficient;  // where scopes were asked for
};

// The scopes that a question asks for, all of which are needed.
// Errors: invalid_argument naming `field`.
Result<core::ScopeSet> read_scopes(const core::ScopeCatalog& catalog, std::string_view text,
                                   const std::string& field) {
  core::ScopeSet set;
  if (text.empty()) return set;
  for (const std::string_view identifier : split(text, ' ')) {
    const core::Scope* scope = catalog.find(identifier);
    // What was withdrawn opens nothing, so asking for it is a mistake too.
    if (scope == nullptr || scope->origin == core::ScopeOrigin::withdrawn) {
      return invalid_field(field, "must be known scopes with one space between");
    }
    set.add(scope->number);
  }
  return set;
}

// Errors: index_stale (nothing can be said); invalid_argument (a scope; `field` is its place).
Result<Finding> examine(const Call& call, const Question& question, const std::string& field) {
  const ApiDependencies& dependencies = call.context.dependencies;
  LK_TRY(const core::ScopeSet scopes,
         read_scopes(dependencies.catalog, question.required_scope, field));
  const auto any_token = verify::ScopeRequirement::any_token();
  const verify::Moment moment{dependencies.clock.now(), dependencies.clock.ticks()};
  auto grant = dependencies.verifier.check(question.token, std::nullopt, any_token, moment);
  if (!grant) {
    if (grant.error().code == ErrorCode::index_stale) return grant.error();
    return Finding();
  }
  if (!call.calling_client().is_for(grant->organization())) return Finding();
  if (!question.organization.empty()) {
    const std::string key = core::organization_key(question.organization);
    if (dependencies.verifier.find_organization(key) != grant->organization()) return Finding();
  }
  dependencies.services.last_use.note(grant->token(), moment.now, call.origin.address,
                                      "introspection by " + call.calling_client().name());
  Finding finding;
  if (!scopes.empty()) finding.scope_sufficient = grant->scopes().contains_all(scopes);
  finding.grant = *std::move(grant);
  return finding;
}

Result<void> wait_for(const Call& call, const std::optional<core::Position>& position) {
  if (!position) return {};
  return verify::wait_until(call.context.dependencies.verifier, *position,
                            call.context.options.index_wait_max);
}

// What the index alone can tell of an active token.
json::object active_json(const Call& call, const Finding& finding) {
  const verify::Grant& grant = *finding.grant;
  json::object body{{"active", true}};
  body["scope"] = call.context.dependencies.catalog.format(grant.scopes());
  body["client_id"] = core::format_id(grant.token());
  body["token_type"] = "Bearer";
  body["exp"] = grant.valid_to().ms / 1000;
  body["sub"] = core::format_id(grant.owner());
  body["iss"] = call.context.options.public_url;
  body["jti"] = core::format_id(grant.token());
  body["organization_id"] = core::format_id(grant.organization());
  if (finding.scope_sufficient) body["scope_sufficient"] = *finding.scope_sufficient;
  return body;
}

json::object inactive_json(const Call& call) {
  call.context.asked->inactive.fetch_add(1, std::memory_order_relaxed);
  return json::object{{"active", false}};
}

// Adds what the store knows. False when the row says that the token is not active after all.
bool add_details(const Call& call, const verify::Grant& grant, json::object& body) {
  const auto self = call.services().tokens.describe(call.calling_client(), grant.token());
  if (!self) {
    // Without the store the index counts, which knows enough to decide.
    const ErrorCode code = self.error().code;
    return code == ErrorCode::store_unavailable || code == ErrorCode::overloaded;
  }
  const Instant now = call.context.dependencies.clock.now();
  if (core::token_status(self->token, now) != core::TokenStatus::active) return false;
  body["iat"] = self->token.valid_from.ms / 1000;
  body["username"] = self->owner.email;
  body["organization"] = self->organization.name;
  body["aud"] = call.url("/" + percent_encode(self->organization.name));
  return true;
}

Result<http::Response> introspect_token(Call& call) {
  LK_TRY(const gate::TokenForm form,
         gate::parse_token_form(call.request.header("Content-Type").value_or(""),
                                call.request.body()));
  LK_CHECK(wait_for(call, form.min_revision));
  const Question question{form.token.reveal(RevealSecret{}), form.required_scope,
                          form.organization};
  LK_TRY(const Finding finding, examine(call, question, "required_scope"));
  if (!finding.grant) return json_response(200, inactive_json(call));
  json::object body = active_json(call, finding);
  if (!add_details(call, *finding.grant, body)) return json_response(200, inactive_json(call));
  call.context.asked->active.fetch_add(1, std::memory_order_relaxed);
  return json_response(200, body);
}

// One entry of a batch. A token that is too long is no token, so it is inactive.
Result<json::object> check_entry(const Call& call, const json::value& entry, size_t index) {
  const std::string place = "tokens[" + std::to_string(index) + "]";
  auto reader = JsonReader::object(entry);
  if (!reader) return invalid_field(place, "must be an object");
  const auto in_place = [&](const Error& error) {
    return Error(error.code, "'" + place + "': " + error.message, place + "." + error.field);
  };
  const auto token = reader->text("token");
  if (!token) return in_place(token.error());
  const auto scope = reader->optional_text("required_scope");
  if (!scope) return in_place(scope.error());
  const auto organization = reader->optional_text("organization");
  if (!organization) return in_place(organization.error());
  if (auto known = reader->refuse_unknown_fields(); !known) return in_place(known.error());
  if (scope->value_or("").size() > kScopeBytesMax) {
    return invalid_field(place + ".required_scope", "must be at most 4096 bytes long");
  }
  if (organization->value_or("").size() > kNameBytesMax) {
    return invalid_field(place + ".organization", "must be at most 100 bytes long");
  }
  const std::string required = scope->value_or("");
  const std::string name = organization->value_or("");
  LK_TRY(const Finding finding, examine(call, {*token, required, name}, place + ".required_scope"));
  if (!finding.grant) return inactive_json(call);
  call.context.asked->active.fetch_add(1, std::memory_order_relaxed);
  return active_json(call, finding);
}

Result<http::Response> check_tokens(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const auto min_revision, reader.optional_text("min_revision"));
  const json::value* tokens = reader.find("tokens");
  LK_CHECK(reader.refuse_unknown_fields());
  if (tokens == nullptr || !tokens->is_array()) return invalid_field("tokens", "must be a list");
  const json::array& entries = tokens->get_array();
  if (entries.empty() || entries.size() > kChecksMax) {
    return invalid_field("tokens", "must have 1 to 1000 entries");
  }
  std::optional<core::Position> position;
  if (min_revision) {
    position = gate::parse_position(*min_revision);
    if (!position) return invalid_field("min_revision", "must be <epoch>.<revision>");
  }
  LK_CHECK(wait_for(call, position));
  json::array results;
  for (size_t i = 0; i < entries.size(); ++i) {
    LK_TRY(json::object result, check_entry(call, entries[i], i));
    results.push_back(std::move(result));
  }
  return json_response(200, json::object{{"results", std::move(results)}});
}

// Always the same answer to who may ask: whether there was such a token is not told.
Result<http::Response> revoke_token_by_holder(Call& call) {
  LK_TRY(const gate::TokenForm form,
         gate::parse_token_form(call.request.header("Content-Type").value_or(""),
                                call.request.body()));
  LK_TRY(const auto revoked, call.services().tokens.revoke_by_holder(form.token, call.origin));
  if (revoked) {
    call.revision = revoked->revision;
    call.context.asked->revoked.fetch_add(1, std::memory_order_relaxed);
  }
  return json_response(200, json::object());
}

// RFC 8414 demands `response_types_supported`, and an absent `grant_types_supported` would promise
// two grants: both are empty, since tokens are made by people on their page.
Result<http::Response> get_oauth_metadata(Call& call) {
  json::array scopes;
  for (const core::Scope& scope : call.context.dependencies.catalog.scopes()) {
    if (scope.grantable) scopes.emplace_back(scope.identifier);
  }
  json::object body{{"issuer", call.context.options.public_url}};
  body["introspection_endpoint"] = call.url("/_latchkey/introspect");
  body["introspection_endpoint_auth_methods_supported"] = json::array{"client_secret_basic"};
  body["revocation_endpoint"] = call.url("/_latchkey/revoke");
  body["revocation_endpoint_auth_methods_supported"] = json::array{"none"};
  body["scopes_supported"] = std::move(scopes);
  body["response_types_supported"] = json::array();
  body["grant_types_supported"] = json::array();
  body["service_documentation"] = call.url("/openapi.json");
  return json_response(200, body);
}

constexpr Route kRoutes[] = {
    {"introspectToken", Work::store, VersionRule::none, introspect_token},
    {"checkTokens", Work::store, VersionRule::none, check_tokens},
    {"revokeTokenByHolder", Work::store, VersionRule::none, revoke_token_by_holder},
    {"getOAuthMetadata", Work::memory, VersionRule::none, get_oauth_metadata},
};

}  // namespace

std::span<const Route> oauth_routes() { return kRoutes; }

}  // namespace latchkey::api
