#include "api/authenticate.h"

#include "base/text.h"
#include "gate/lesson.h"
#include "gate/token_link.h"

namespace latchkey::api {
namespace {

constexpr std::string_view kTokenScheme = "personalAccessToken";
constexpr std::string_view kSessionScheme = "session";
constexpr std::string_view kClientScheme = "client";
constexpr size_t kUserAgentBytesMax = 256;

bool changes_something(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

Error refused(const gate::Operation& operation, const std::string& what) {
  return Error(ErrorCode::configuration, "Operation '" + operation.operation_id + "' " + what + ".",
               "security");
}

// What a client must be allowed for `alternative` of the client scheme: one permission.
Result<core::ClientPermission> read_permission(const gate::Operation& operation,
                                               const gate::SecurityAlternative& alternative) {
  const auto permission = alternative.scopes.size() == 1
                              ? core::parse_client_permission(alternative.scopes.front())
                              : std::nullopt;
  if (!permission) return refused(operation, "must ask a client for one known permission");
  return *permission;
}

// The refusal that names what would do; where to get it, the answer adds.
Error lacking(const Guard& guard) {
  const gate::Lesson lesson{guard.operation_id, &guard.alternatives, ""};
  return Error(ErrorCode::scope_missing, gate::lesson_message(lesson), "",
               gate::lesson_scope(lesson));
}

}  // namespace

Result<Guard> make_guard(const core::ScopeCatalog& catalog, const gate::Operation& operation) {
  Guard guard;
  guard.is_open = operation.is_open;
  std::vector<core::ScopeSet> alternatives;
  for (const gate::SecurityAlternative& alternative : operation.security) {
    if (alternative.scheme == kSessionScheme) {
      guard.takes_session = true;
      continue;
    }
    if (alternative.scheme == kClientScheme) {
      LK_TRY(guard.client, read_permission(operation, alternative));
      continue;
    }
    if (alternative.scheme != kTokenScheme) {
      return refused(operation, "asks for the unknown scheme '" + alternative.scheme + "'");
    }
    guard.takes_token = true;
    core::ScopeSet set;
    for (const std::string& identifier : alternative.scopes) {
      const core::Scope* scope = catalog.find(identifier);
      if (scope == nullptr)
        return refused(operation, "asks for the unknown scope '" + identifier + "'");
      set.add(scope->number);
    }
    alternatives.push_back(set);
  }
  // Whoever may call without a token may call with any good one.
  if (!guard.takes_token && guard.is_open) alternatives.emplace_back();
  guard.scopes = verify::ScopeRequirement(std::move(alternatives));
  guard.operation_id = operation.operation_id;
  guard.alternatives = gate::name_alternatives(catalog, guard.scopes);
  guard.least_scopes = gate::least_scopes(catalog, guard.scopes);
  return guard;
}

Result<Authenticator::Checked> Authenticator::check_token(
    std::string_view text, const Guard* guard, const Place& place,
    const service::RequestOrigin& origin) const {
  const ApiDependencies& dependencies = context_.dependencies;
  const verify::Moment moment{dependencies.clock.now(), dependencies.clock.ticks()};
  const bool opens = guard != nullptr && (guard->takes_token || guard->is_open);
  // In an organization that does not exist no scope is looked at, since in a foreign one none is:
  // the two must look alike.
  const bool is_nowhere = place.named && !place.found;
  const auto& required = opens && !is_nowhere ? guard->scopes : any_token_;
  auto grant = dependencies.verifier.check(text, place.found, required, moment);
  if (!grant) {
    if (const auto known = dependencies.verifier.find_token(text)) {
      dependencies.services.usage_recorder.note({*known, moment.now, false});
    }
    const Error& error = grant.error();
    return error.code == ErrorCode::scope_missing && guard != nullptr ? lacking(*guard) : error;
  }
  const bool is_refused = is_nowhere || (guard != nullptr && !opens);
  dependencies.services.usage_recorder.note({grant->token(), moment.now, !is_refused});
  if (is_nowhere) return Error(ErrorCode::token_wrong_organization);
  if (guard != nullptr && !opens) return Error(ErrorCode::credential_kind_refused);
  dependencies.services.last_use.note(grant->token(), moment.now, origin.address,
                                      origin.user_agent);
  const service::Actor::TokenFacts facts{grant->owner(), grant->token(), grant->organization(),
                                         grant->scopes()};
  return Checked{service::Actor::by_token({}, facts, origin), grant->valid_to()};
}

Result<service::ProvenClient> Authenticator::check_client(std::string_view text,
                                                          const Guard* guard) const {
  LK_TRY(auto client, context_.dependencies.services.clients.authenticate(text));
  if (guard == nullptr) return client;
  if (!guard->client && !guard->is_open) return Error(ErrorCode::credential_kind_refused);
  if (guard->client && !client.may(*guard->client)) {
    return Error(ErrorCode::permission_denied,
                 "Access Denied: This client was not made for '" +
                     std::string(core::client_permission_name(*guard->client)) + "'.");
  }
  return client;
}

Result<std::optional<SecretText>> Authenticator::find_session(const http::Request& request,
                                                              const gate::Credential& credential,
                                                              const Guard& guard) const {
  if (credential.kind() != gate::CredentialKind::none) {
    if (!credential.secret().starts_with(kSessionPrefix)) return std::optional<SecretText>();
    if (!guard.takes_session && !guard.is_open) {
      return Error(ErrorCode::credential_kind_refused,
                   "This route takes a personal access token, not a session.");
    }
    return std::optional(SecretText(credential.secret()));
  }
  if (!guard.takes_session) return std::optional<SecretText>();
  const auto cookie = http::find_cookie(request, kSessionCookie);
  if (!cookie || cookie->empty()) return std::optional<SecretText>();
  if (changes_something(request.method()) && request.count_headers(kAntiForgeryHeader) != 1) {
    return Error(ErrorCode::anti_forgery_missing);
  }
  return std::optional(SecretText(*cookie));
}

service::RequestOrigin origin_of(const http::Request& request) {
  std::string_view agent = request.header("User-Agent").value_or("");
  agent = agent.substr(0, kUserAgentBytesMax);
  // A cut may have split a character.
  while (!agent.empty() && !is_utf8(agent) && agent.size() > kUserAgentBytesMax - 4) {
    agent.remove_suffix(1);
  }
  if (!is_utf8(agent) || has_control_character(agent)) agent = "";
  return {std::string(request.peer_address()), std::string(agent),
          std::string(request.request_id())};
}

}  // namespace latchkey::api
