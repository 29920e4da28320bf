// What the files of Identity share: secrets, sessions' beginnings, throttle keys and event names.
//
// Not for other services. A secret here is a prefix and 256 random bits; only its SHA-256 is
// stored, which is enough because it cannot be guessed. Thread safety: as of the transaction.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "base/entropy.h"
#include "base/secret.h"
#include "core/digest_keys.h"
#include "core/person.h"
#include "service/actor.h"
#include "store/identity_rows.h"
#include "store/store.h"

namespace latchkey::service::identity {

inline constexpr std::string_view kSessionPrefix = "lks_";
inline constexpr std::string_view kLinkPrefix = "lkl_";

// `prefix` and 43 base64url characters. Errors: internal (no entropy).
Result<SecretText> make_secret(Entropy& entropy, std::string_view prefix);
// The digest of `text`, or nothing if it has not the form that make_secret gives.
std::optional<Digest> find_digest(const SecretText& text, std::string_view prefix);

// A JSON object of `names`: {"Email":"...","DisplayName":"..."}.
using Name = std::pair<std::string_view, std::string_view>;
std::string names_json(std::initializer_list<Name> names);
std::string person_names(const core::Person& person);

// The context of an event that no Actor causes: `mechanism` is "session", "setup" or "link".
core::EventContext origin_context(const RequestOrigin& origin, std::string_view mechanism,
                                  std::string names);

// What attempts from `address` are counted by: an IPv4 address, or the /64 network of an IPv6 one.
std::string source_key(const std::string& address);
// What attempts on the account of `email_key` are counted by: a keyed digest, because who types a
// password or token into the wrong field would have it kept.
std::string account_key(const core::DigestKeys& keys, std::string_view email_key);

// A session's secret and id, made before the transaction that may run twice.
struct SessionSeed {
  core::SessionId id;
  SecretText text;
  Digest digest{};
};
Result<SessionSeed> make_session_seed(Entropy& entropy);

// How a session begins.
struct SessionStart {
  const core::Person& person;
  const SessionSeed& seed;
  const RequestOrigin& origin;
  std::string_view mechanism;
  Milliseconds absolute_max;
};
// Writes the session and its event, and removes sessions that are over; of more than a hundred live
// ones of the person the one that was idle longest ends.
Result<store::SessionRow> start_session(store::WriteTx& tx, const SessionStart& start);

// Ends the sessions of `person` and their reset links, with the event if there were any sessions.
Result<void> end_all_sessions(store::WriteTx& tx, core::PersonId person,
                              std::optional<core::PersonId> actor,
                              const core::EventContext& context);

// The person of `actor`. Errors: credential_kind_refused (not signed in);
// session_unknown (the person is not active any more).
Result<store::PersonRow> require_signed_in(store::ReadTx& tx, const Actor& actor);
// Errors: credential_kind_refused for a token: what decides who may do what is changed by people.
Result<void> refuse_token(const Actor& actor);

// The link of `code`, of one of the kinds, not over at `now`. Errors: link_unknown.
Result<store::LinkRow> require_link(store::ReadTx& tx, const Digest& digest, store::LinkKind kind,
                                    Instant now);
Error link_unknown();
Error sign_in_refused();

}  // namespace latchkey::service::identity
