// Who is asking, proved.
//
// An Actor is made only by code that checked a credential (the passkey names it), so a function
// that takes one cannot be reached unchecked. It says who and by what means; what the person may do
// in an organization is looked up in the same transaction as the change (access.h). Thread safety:
// values.
#pragma once

#include <optional>
#include <string>

#include "core/event.h"
#include "core/ids.h"
#include "core/scope.h"

namespace latchkey::api {
class Authenticator;
}
namespace latchkey::app {
class Console;
}

namespace latchkey::service {

enum class Mechanism { session, token, console };

// Where a request came from; goes into the context of every event that it causes.
struct RequestOrigin {
  std::string address;
  std::string user_agent;      // at most 256 bytes
  std::string correlation_id;  // the request's id
};

// Only these classes check credentials.
class ActorPasskey {
  friend class Identity;
  friend class Tokens;  // whoever presents a token's exact text, to end it
  friend class latchkey::api::Authenticator;
  friend class latchkey::app::Console;
  friend class ActorForTests;
  ActorPasskey() = default;
};

class Actor {
 public:
  // A signed-in person.
  static Actor by_session(ActorPasskey, core::PersonId person, core::SessionId session,
                          RequestOrigin origin);
  // A person's token, good in `organization` for `scopes`.
  struct TokenFacts {
    core::PersonId person;
    core::TokenId token;
    core::OrganizationId organization;
    core::ScopeSet scopes;
  };
  static Actor by_token(ActorPasskey, const TokenFacts& facts, RequestOrigin origin);
  // Somebody who presented the exact text of `token`, and may not be its owner.
  static Actor by_holder(ActorPasskey, core::TokenId token, RequestOrigin origin);
  // Whoever may open the owner-only Unix socket: the operator.
  static Actor by_console(ActorPasskey, RequestOrigin origin);

  Mechanism mechanism() const { return mechanism_; }
  // Nothing at the console, and for a holder.
  std::optional<core::PersonId> person() const { return person_; }
  std::optional<core::SessionId> session() const { return session_; }
  std::optional<core::TokenId> token() const { return token_; }
  // The one organization that a token works in.
  std::optional<core::OrganizationId> token_organization() const { return organization_; }
  const core::ScopeSet& token_scopes() const { return scopes_; }
  const RequestOrigin& origin() const { return origin_; }

  // The context of an event of this actor; `names` is a JSON object of names as they were.
  core::EventContext event_context(std::string names) const;

 private:
  explicit Actor(Mechanism mechanism, RequestOrigin origin)
      : mechanism_(mechanism), origin_(std::move(origin)) {}
  Mechanism mechanism_;
  std::optional<core::PersonId> person_;
  std::optional<core::SessionId> session_;
  std::optional<core::TokenId> token_;
  std::optional<core::OrganizationId> organization_;
  core::ScopeSet scopes_;
  RequestOrigin origin_;
};

}  // namespace latchkey::service
