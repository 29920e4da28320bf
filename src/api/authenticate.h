// Turns what a request presents into an Actor, or into the refusal that it gets.
//
// A token is checked in memory against the scopes that the operation asks for; a session is looked
// up in the store, so that happens on a pool. One request carries one credential: with
// Authorization, no cookie is looked at. Thread safety: any thread. Spec:
// docs/spec/authentication.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "base/secret.h"
#include "gate/credential.h"
#include "gate/openapi.h"
#include "verify/requirement.h"

namespace latchkey::api {

// What an operation of the document asks of its caller.
struct Guard {
  bool takes_token = false;
  bool takes_session = false;
  std::optional<core::ClientPermission> client;  // that takes clients with this permission
  bool is_open = false;                          // anonymous callers too
  verify::ScopeRequirement scopes = verify::ScopeRequirement({});
  // What a refusal teaches (docs/spec/refusals.md).
  std::string operation_id;
  std::vector<std::string> alternatives;
  std::string least_scopes;
};

// Errors: configuration (an unknown scheme or scope; names the operation).
Result<Guard> make_guard(const core::ScopeCatalog& catalog, const gate::Operation& operation);

inline constexpr std::string_view kSessionPrefix = "lks_";
inline constexpr std::string_view kSessionCookie = "__Host-latchkey-session";
inline constexpr std::string_view kAntiForgeryHeader = "X-Latchkey-Request";

class Authenticator {
 public:
  explicit Authenticator(const Context& context) : context_(context) {}

  // What a path says about the organization that a token must be for.
  struct Place {
    bool named = false;                         // the path's first segment is an organization
    std::optional<core::OrganizationId> found;  // it exists
  };
  struct Checked {
    service::Actor actor;
    Instant valid_to;
  };
  // Checks a token. `guard` null: an unknown route, any good token will do.
  // Errors: those of Verifier::check, credential_kind_refused.
  Result<Checked> check_token(std::string_view text, const Guard* guard, const Place& place,
                              const service::RequestOrigin& origin) const;
  // Checks a client's secret. `guard` null: an unknown route. Errors: token_unknown,
  // credential_kind_refused, permission_denied.
  Result<service::ProvenClient> check_client(std::string_view text, const Guard* guard) const;
  // The session's text in `request`, if it carries one that `guard` takes: as Bearer, as Basic
  // password, or as a cookie. Errors: anti_forgery_missing; credential_kind_refused.
  Result<std::optional<SecretText>> find_session(const http::Request& request,
                                                 const gate::Credential& credential,
                                                 const Guard& guard) const;

 private:
  const Context& context_;
  const verify::ScopeRequirement any_token_ = verify::ScopeRequirement::any_token();
};

// The origin of `request` for events and limits: bounded, and well-formed text only.
service::RequestOrigin origin_of(const http::Request& request);

}  // namespace latchkey::api
