// Signing in, sessions, and what signed-in people do with their own account.
#include "service/access.h"
#include "service/identity.h"
#include "service/identity_parts.h"
#include "service/passwords.h"

namespace latchkey::service {
namespace {

using identity::SessionSeed;

// A session's last use is written at most this often, so that requests do not wait for a disk.
constexpr Milliseconds kTouchInterval = std::chrono::minutes(1);

// What a sign-in needs to know of an account; empty for an unknown login.
struct Account {
  std::optional<store::PersonRow> row;
  bool source_is_known = false;  // the person has a session from this address
};

Result<Account> load_account(store::ReadTx& tx, const std::string& key,
                             const RequestOrigin& origin) {
  Account account;
  LK_TRY(account.row, store::find_person_by_email(tx, key));
  // Asked for an unknown login too, so that both take the same statements.
  const auto id = account.row ? account.row->person.id : core::PersonId{};
  LK_TRY(const auto sessions, store::list_sessions(tx, id));
  for (const auto& session : sessions) {
    account.source_is_known |= !origin.address.empty() && session.address == origin.address;
  }
  return account;
}

Result<void> append_sessions_ended(store::WriteTx& tx, const Actor& actor,
                                   std::vector<core::Subject> ended) {
  if (ended.empty()) return {};
  const core::EventDraft draft{.action = core::Action::session_ended,
                               .organization = std::nullopt,
                               .actor = actor.person(),
                               .subjects = std::move(ended)};
  LK_CHECK(tx.append(draft, actor.event_context("{}")));
  return {};
}

// Ends the sessions of `actor`'s person but the one that asks, with their event.
Result<void> end_others(store::WriteTx& tx, const Actor& actor) {
  std::vector<core::Subject> ended;
  LK_TRY(const auto sessions, store::list_sessions(tx, *actor.person()));
  for (const auto& session : sessions) {
    if (session.id == actor.session()) continue;
    ended.push_back({core::SubjectKind::session, session.id.uuid});
  }
  LK_CHECK(store::delete_sessions(tx, *actor.person(), actor.session()));
  return append_sessions_ended(tx, actor, std::move(ended));
}

}  // namespace

Result<IssuedSession> Identity::sign_in(const std::string& email, const SecretText& password,
                                        const RequestOrigin& origin) {
  const std::string source = identity::source_key(origin.address);
  LK_CHECK(per_address_.take(source));
  Account account;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(account, load_account(tx, core::email_key(email), origin));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  // Where a person is signed in already they have a bucket of their own: strangers who guess from
  // elsewhere cannot keep it empty.
  std::string bucket = identity::account_key(dependencies_.digest_keys, core::email_key(email));
  if (account.source_is_known) bucket += ' ' + source;
  LK_CHECK(per_account_.take(bucket));

  const bool right = verify_password(account.row ? account.row->password_hash : "", password);
  if (!right || account.row->person.state != core::PersonState::active) {
    return identity::sign_in_refused();
  }
  LK_TRY(SessionSeed seed, identity::make_session_seed(dependencies_.entropy));
  core::Person person;
  store::SessionRow session;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto now, store::find_person(tx, account.row->person.id));
    const bool unchanged = now && now->person.state == core::PersonState::active &&
                           now->password_hash == account.row->password_hash;
    if (!unchanged) return identity::sign_in_refused();
    person = now->person;
    person.last_sign_in_at = tx.now();
    LK_TRY(session, identity::start_session(
                        tx, {person, seed, origin, "session", options_.session_absolute_max}));
    return {};
  };
  LK_CHECK(dependencies_.store.write(change));
  per_account_.forgive(bucket);
  return IssuedSession{session, person, std::move(seed.text)};
}

Result<Actor> Identity::authenticate_session(const SecretText& text, const RequestOrigin& origin) {
  const Error ended(ErrorCode::session_unknown, "This session has ended. Sign in again.");
  const auto digest = identity::find_digest(text, identity::kSessionPrefix);
  if (!digest) return ended;
  const Instant now = dependencies_.clock.now();
  std::optional<store::SessionRow> session;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(session, store::find_session_by_digest(tx, *digest));
    if (!session) return {};
    LK_TRY(const auto person, store::find_person(tx, session->person));
    if (!person || person->person.state != core::PersonState::active) session.reset();
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  if (!session || now >= session->expires_at ||
      now - session->last_seen_at >= options_.session_idle_max) {
    return ended;
  }
  if (now - session->last_seen_at >= kTouchInterval) {
    const auto touched = dependencies_.store.write_aside(
        [&](store::WriteTx& tx) { return store::touch_session(tx, session->id, now); });
    // The session is good all the same; it only looks idle for longer than it was.
    if (!touched) {
      dependencies_.log.warning("session.touch_failed",
                                {{"error", error_name(touched.error().code)}});
    }
  }
  return Actor::by_session({}, session->person, session->id, origin);
}

Result<core::Person> Identity::me(const Actor& actor) {
  core::Person person;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(auto row, identity::require_signed_in(tx, actor));
    person = std::move(row.person);
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return person;
}

Result<std::vector<store::SessionRow>> Identity::sessions(const Actor& actor) {
  const Instant now = dependencies_.clock.now();
  std::vector<store::SessionRow> live;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(identity::require_signed_in(tx, actor));
    LK_TRY(auto rows, store::list_sessions(tx, *actor.person()));
    for (auto& row : rows) {
      const bool over =
          now >= row.expires_at || now - row.last_seen_at >= options_.session_idle_max;
      if (!over) live.push_back(std::move(row));
    }
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return live;
}

Result<void> Identity::end_session(const Actor& actor, core::SessionId id) {
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(identity::require_signed_in(tx, actor));
    LK_TRY(const bool ended, store::delete_session(tx, *actor.person(), id));
    if (!ended) {
      return Error(ErrorCode::session_not_found, "You have no session with this id.");
    }
    return append_sessions_ended(tx, actor, {{core::SubjectKind::session, id.uuid}});
  };
  LK_CHECK(dependencies_.store.write(change));
  return {};
}

Result<void> Identity::end_other_sessions(const Actor& actor) {
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(identity::require_signed_in(tx, actor));
    return end_others(tx, actor);
  };
  LK_CHECK(dependencies_.store.write(change));
  return {};
}

Result<void> Identity::change_password(const Actor& actor, const SecretText& old_password,
                                       const SecretText& new_password) {
  store::PersonRow before;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(before, identity::require_signed_in(tx, actor));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  LK_CHECK(core::check_password(new_password, before.person.email));
  // A bucket apart from sign-in's, so that strangers who guess there cannot empty it.
  const std::string bucket = "change " + core::format_id(before.person.id);
  LK_CHECK(per_account_.take(bucket));
  if (!verify_password(before.password_hash, old_password)) {
    return Error(ErrorCode::sign_in_refused, "The old password is not right.");
  }
  LK_TRY(const std::string hash, hash_password(new_password));
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(auto row, identity::require_signed_in(tx, actor));
    if (row.password_hash != before.password_hash) {
      return Error(ErrorCode::sign_in_refused, "The old password is not right.");
    }
    row.password_hash = hash;
    row.password_changed_at = tx.now();
    LK_CHECK(store::update_person(tx, row));
    LK_CHECK(store::delete_links(tx, store::LinkKind::password_reset, row.person.id));
    const core::EventDraft draft{.action = core::Action::person_password_changed,
                                 .organization = std::nullopt,
                                 .actor = actor.person(),
                                 .subjects = {{core::SubjectKind::person, row.person.id.uuid}}};
    LK_CHECK(tx.append(draft, actor.event_context(identity::person_names(row.person))));
    return end_others(tx, actor);
  };
  LK_CHECK(dependencies_.store.write(change));
  per_account_.forgive(bucket);
  return {};
}

Result<void> Identity::change_display_name(const Actor& actor, const std::string& display_name) {
  LK_CHECK(core::check_display_name(display_name));
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(auto row, identity::require_signed_in(tx, actor));
    if (row.person.display_name == display_name) return {};
    const std::string names = identity::names_json(
        {{"DisplayName", display_name}, {"PreviousDisplayName", row.person.display_name}});
    row.person.display_name = display_name;
    LK_CHECK(store::update_person(tx, row));
    const core::EventDraft draft{.action = core::Action::person_changed,
                                 .organization = std::nullopt,
                                 .actor = actor.person(),
                                 .subjects = {{core::SubjectKind::person, row.person.id.uuid}}};
    LK_CHECK(tx.append(draft, actor.event_context(names)));
    return {};
  };
  LK_CHECK(dependencies_.store.write(change));
  return {};
}

}  // namespace latchkey::service
