// People, their sessions and one-time links.
//
// There is no default password: the first person is made through a one-time setup link, everybody
// else through an invitation. A session's text and a link's code are random, shown once, and stored
// as digests. A sign-in tells only whether it worked. Thread safety: any thread; the functions that
// take a password cost an Argon2id hash. Spec: docs/spec/identity.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "core/person.h"
#include "core/role.h"
#include "service/actor.h"
#include "service/dependencies.h"
#include "service/throttle.h"
#include "store/identity_rows.h"

namespace latchkey::service {

struct IdentityOptions {
  Milliseconds session_idle_max = std::chrono::hours(12);
  Milliseconds session_absolute_max = std::chrono::days(7);
  Milliseconds setup_link_life = std::chrono::hours(24);
  Milliseconds invitation_life = std::chrono::days(7);
  Milliseconds reset_link_life = std::chrono::hours(1);
  Throttle::Limit per_account{10, Milliseconds(30'000), 100'000};
  Throttle::Limit per_address{50, Milliseconds(3'000), 100'000};
};

struct IssuedSession {
  store::SessionRow session;
  core::Person person;
  SecretText text;  // "lks_" and 43 characters
};

struct IssuedLink {
  store::LinkRow link;
  SecretText code;  // "lkl_" and 43 characters; goes behind '#' of a page's address
};

struct SetUp {
  SecretText code;
  std::string organization;
  std::string email;
  std::string display_name;
  SecretText password;
};

class Identity {
 public:
  Identity(const Dependencies& dependencies, const IdentityOptions& options);

  // Whether nobody has been set up yet.
  Result<bool> needs_set_up();
  // Makes a new setup link; older ones end. Errors: conflict (somebody has been set up).
  Result<IssuedLink> issue_setup_link(const RequestOrigin& origin);
  // The first person (an operator), the first organization (theirs), and a session.
  // Errors: link_unknown, conflict, invalid_argument.
  Result<Changed<IssuedSession>> set_up(const SetUp& request, const RequestOrigin& origin);

  // Errors: sign_in_refused, too_many_attempts.
  Result<IssuedSession> sign_in(const std::string& email, const SecretText& password,
                                const RequestOrigin& origin);
  // Who `text` belongs to; touches the session now and then.
  // Errors: session_unknown (absent, over its idle or absolute limit, or its person disabled).
  Result<Actor> authenticate_session(const SecretText& text, const RequestOrigin& origin);

  // For an Actor by_session. Errors of all: credential_kind_refused.
  Result<core::Person> me(const Actor& actor);
  Result<std::vector<store::SessionRow>> sessions(const Actor& actor);
  Result<void> end_session(const Actor& actor, core::SessionId id);  // session_not_found
  Result<void> end_other_sessions(const Actor& actor);
  // Ends the person's other sessions. Errors: sign_in_refused (the old one is wrong).
  Result<void> change_password(const Actor& actor, const SecretText& old_password,
                               const SecretText& new_password);
  Result<void> change_display_name(const Actor& actor, const std::string& display_name);

  // Invites `email` to `organization` as `role`; needs manage_members, and no role above one's own.
  Result<IssuedLink> invite(const Actor& actor, core::OrganizationId organization,
                            const std::string& email, core::Role role);
  Result<std::vector<store::LinkRow>> invitations(const Actor& actor,
                                                  core::OrganizationId organization);
  Result<void> withdraw_invitation(const Actor& actor, core::OrganizationId organization,
                                   core::LinkId id);
  // Makes the person (or, with `password` theirs already, adds the known person) a member.
  struct Acceptance {
    SecretText code;
    std::string display_name;  // of a new person
    SecretText password;       // a new person's, or the known person's own
  };
  Result<Changed<IssuedSession>> accept_invitation(const Acceptance& request,
                                                   const RequestOrigin& origin);
  // What the page of a link may show before it is used. Errors: link_unknown.
  struct LinkInfo {
    store::LinkKind kind;
    std::string email;
    std::string organization;  // name
    bool person_exists = false;
    Instant expires_at;
  };
  Result<LinkInfo> inspect_link(const SecretText& code, const RequestOrigin& origin);

  // A reset link for `person`; operators only. Errors: person_unknown, permission_denied.
  Result<IssuedLink> issue_reset_link(const Actor& actor, core::PersonId person);
  // Sets the password and ends all sessions. Errors: link_unknown, invalid_argument.
  Result<void> reset_password(const SecretText& code, const SecretText& new_password,
                              const RequestOrigin& origin);

  // Operators only. Disabling stops the person's tokens with the same event and ends their
  // sessions.
  Result<std::vector<core::Person>> people(const Actor& actor);
  Result<core::Person> find_person(const Actor& actor, const std::string& id_or_email);
  Result<core::Revision> set_disabled(const Actor& actor, core::PersonId person, bool disabled);

 private:
  Dependencies dependencies_;
  IdentityOptions options_;
  Throttle per_account_;
  Throttle per_address_;
};

}  // namespace latchkey::service
