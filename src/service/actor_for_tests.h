// Makes Actors without a credential, for tests only.
//
// It is the friend that actor.h names beside the classes that check credentials; no program links a
// file that includes it. Thread safety: pure functions.
#pragma once

#include <string>
#include <utility>

#include "service/actor.h"

namespace latchkey::service {

class ActorForTests {
 public:
  // A person who is signed in.
  static Actor session(core::PersonId person, core::SessionId session = {}) {
    return Actor::by_session(ActorPasskey(), person, session, origin());
  }
  // A person's token, good in `facts.organization`.
  static Actor token(const Actor::TokenFacts& facts) {
    return Actor::by_token(ActorPasskey(), facts, origin());
  }
  static Actor console() { return Actor::by_console(ActorPasskey(), origin()); }

  // Where all of them come from.
  static RequestOrigin origin() { return {"192.0.2.1", "test/1.0", "correlation-of-a-test"}; }
};

}  // namespace latchkey::service
