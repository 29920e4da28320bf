#include "service/actor.h"

#include "base/assert.h"

namespace latchkey::service {
namespace {

constexpr size_t kUserAgentMax = 256;

// What an agent says of itself is cut, not refused: it is a note, and nothing depends on it.
RequestOrigin bounded(RequestOrigin origin) {
  if (origin.user_agent.size() > kUserAgentMax) origin.user_agent.resize(kUserAgentMax);
  return origin;
}

std::string mechanism_name(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::session: return "session";
    case Mechanism::token: return "PAT";
    case Mechanism::console: return "console";
  }
  LK_ASSERT(false);
  return {};
}

}  // namespace

Actor Actor::by_session(ActorPasskey, core::PersonId person, core::SessionId session,
                        RequestOrigin origin) {
  Actor actor(Mechanism::session, bounded(std::move(origin)));
  actor.person_ = person;
  actor.session_ = session;
  return actor;
}

Actor Actor::by_token(ActorPasskey, const TokenFacts& facts, RequestOrigin origin) {
  Actor actor(Mechanism::token, bounded(std::move(origin)));
  actor.person_ = facts.person;
  actor.token_ = facts.token;
  actor.organization_ = facts.organization;
  actor.scopes_ = facts.scopes;
  return actor;
}

Actor Actor::by_holder(ActorPasskey, core::TokenId token, RequestOrigin origin) {
  Actor actor(Mechanism::token, bounded(std::move(origin)));
  actor.token_ = token;
  return actor;
}

Actor Actor::by_console(ActorPasskey, RequestOrigin origin) {
  return Actor(Mechanism::console, bounded(std::move(origin)));
}

core::EventContext Actor::event_context(std::string names) const {
  return {.address = origin_.address,
          .user_agent = origin_.user_agent,
          .mechanism = mechanism_name(mechanism_),
          .correlation_id = origin_.correlation_id,
          .names = std::move(names)};
}

}  // namespace latchkey::service
