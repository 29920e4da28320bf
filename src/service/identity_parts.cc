#include "service/identity_parts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "core/canonical_bytes.h"

namespace latchkey::service::identity {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretCharacters = 43;
constexpr size_t kSessionsMax = 100;

Result<void> end_session_idle_longest(store::WriteTx& tx, const SessionStart& start) {
  LK_TRY(const auto sessions, store::list_sessions(tx, start.person.id));
  if (sessions.size() < kSessionsMax) return {};
  const auto oldest = std::min_element(
      sessions.begin(), sessions.end(),
      [](const auto& a, const auto& b) { return a.last_seen_at < b.last_seen_at; });
  LK_TRY([[maybe_unused]] const bool ended, store::delete_session(tx, start.person.id, oldest->id));
  const core::EventDraft draft{.action = core::Action::session_ended,
                               .organization = std::nullopt,
                               .actor = start.person.id,
                               .subjects = {{core::SubjectKind::session, oldest->id.uuid}}};
  LK_CHECK(tx.append(draft, origin_context(start.origin, start.mechanism, "{}")));
  return {};
}

}  // namespace

Result<SecretText> make_secret(Entropy& entropy, std::string_view prefix) {
  std::array<uint8_t, kSecretBytes> random{};
  LK_CHECK(entropy.fill(random));
  std::string body = format_base64url(random);
  wipe(random.data(), random.size());
  std::string text;
  text.reserve(prefix.size() + body.size());
  text.append(prefix).append(body);
  wipe(body.data(), body.size());
  return SecretText::take(std::move(text));
}

std::optional<Digest> find_digest(const SecretText& text, std::string_view prefix) {
  const std::string_view revealed = text.reveal(RevealSecret{});
  if (revealed.size() != prefix.size() + kSecretCharacters || !revealed.starts_with(prefix)) {
    return std::nullopt;
  }
  return sha256(as_bytes(revealed));
}

std::string names_json(std::initializer_list<Name> names) {
  std::string text = "{";
  for (const auto& [name, value] : names) {
    if (text.size() > 1) text += ',';
    text += quote_json(name) + ':' + quote_json(value);
  }
  return text + '}';
}

std::string person_names(const core::Person& person) {
  return names_json({{"DisplayName", person.display_name}, {"Email", person.email}});
}

core::EventContext origin_context(const RequestOrigin& origin, std::string_view mechanism,
                                  std::string names) {
  return {.address = origin.address,
          .user_agent = origin.user_agent.substr(0, 256),
          .mechanism = std::string(mechanism),
          .correlation_id = origin.correlation_id,
          .names = std::move(names)};
}

std::string source_key(const std::string& address) {
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  static constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, bytes.data() + kMapped.size(), text.data(), text.size());
    return text.data();
  }
  // One customer has at least a /64 (RFC 6177), so a single address of it says nothing.
  return format_hex(std::span(bytes).first(8)) + "/64";
}

std::string account_key(const core::DigestKeys& keys, std::string_view email_key) {
  core::CanonicalBytes bytes;
  bytes.add("latchkey.account-attempts.v1");
  bytes.add(email_key);
  const std::span<const uint8_t> all = bytes.bytes();
  const std::string_view text(reinterpret_cast<const char*>(all.data()), all.size());
  std::optional<Digest> digest;
  // Another key may become current, and this one be retired, between the two.
  while (!digest) digest = keys.digest_of(keys.current_id(), text);
  return format_hex(*digest);
}

Result<SessionSeed> make_session_seed(Entropy& entropy) {
  LK_TRY(const auto id, core::make_id<core::SessionId>(entropy));
  LK_TRY(auto text, make_secret(entropy, kSessionPrefix));
  const Digest digest = sha256(as_bytes(text.reveal(RevealSecret{})));
  return SessionSeed{.id = id, .text = std::move(text), .digest = digest};
}

Result<store::SessionRow> start_session(store::WriteTx& tx, const SessionStart& start) {
  LK_CHECK(store::delete_sessions_expired_before(tx, tx.now()));
  LK_CHECK(end_session_idle_longest(tx, start));
  const store::SessionRow row{.id = start.seed.id,
                              .person = start.person.id,
                              .digest = start.seed.digest,
                              .created_at = tx.now(),
                              .last_seen_at = tx.now(),
                              .expires_at = tx.now() + start.absolute_max,
                              .address = start.origin.address,
                              .user_agent = start.origin.user_agent.substr(0, 256)};
  LK_CHECK(store::insert_session(tx, row));
  LK_CHECK(store::touch_sign_in(tx, start.person.id, tx.now()));
  const core::EventDraft draft{.action = core::Action::person_signed_in,
                               .organization = std::nullopt,
                               .actor = start.person.id,
                               .subjects = {{core::SubjectKind::session, row.id.uuid}}};
  LK_CHECK(
      tx.append(draft, origin_context(start.origin, start.mechanism, person_names(start.person))));
  return row;
}

Result<void> end_all_sessions(store::WriteTx& tx, core::PersonId person,
                              std::optional<core::PersonId> actor,
                              const core::EventContext& context) {
  core::EventDraft draft{.action = core::Action::session_ended,
                         .organization = std::nullopt,
                         .actor = actor,
                         .subjects = {}};
  LK_TRY(const auto sessions, store::list_sessions(tx, person));
  for (const auto& session : sessions) {
    draft.subjects.push_back({core::SubjectKind::session, session.id.uuid});
  }
  LK_CHECK(store::delete_sessions(tx, person, std::nullopt));
  LK_CHECK(store::delete_links(tx, store::LinkKind::password_reset, person));
  if (draft.subjects.empty()) return {};
  LK_CHECK(tx.append(draft, context));
  return {};
}

Result<store::PersonRow> require_signed_in(store::ReadTx& tx, const Actor& actor) {
  if (actor.mechanism() != Mechanism::session) {
    return Error(ErrorCode::credential_kind_refused, "Only a signed-in person can do this.");
  }
  LK_TRY(auto row, store::find_person(tx, *actor.person()));
  if (!row || row->person.state != core::PersonState::active) {
    return Error(ErrorCode::session_unknown, "This session has ended. Sign in again.");
  }
  return *std::move(row);
}

Result<void> refuse_token(const Actor& actor) {
  if (actor.mechanism() != Mechanism::token) return {};
  return Error(ErrorCode::credential_kind_refused,
               "A token cannot do this. Only a signed-in person can.");
}

Result<store::LinkRow> require_link(store::ReadTx& tx, const Digest& digest, store::LinkKind kind,
                                    Instant now) {
  LK_TRY(auto link, store::find_link_by_digest(tx, digest));
  if (!link || link->kind != kind || now >= link->expires_at) return link_unknown();
  return *std::move(link);
}

Error link_unknown() {
  return Error(ErrorCode::link_unknown, "This link is unknown, used, or has expired.");
}

Error sign_in_refused() {
  return Error(ErrorCode::sign_in_refused, "The login or the password is not right.");
}

}  // namespace latchkey::service::identity
