// Rows of people, memberships, sessions and one-time links.
//
// Passwords are stored as libsodium's Argon2id strings, sessions and links as digests of their
// text. A row whose MAC is wrong is as if it were not there, and is logged (docs/spec/row-mac.md).
// Thread safety: as of the transaction.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/organization.h"
#include "core/person.h"
#include "store/store.h"

namespace latchkey::store {

struct PersonRow {
  core::Person person;
  std::string password_hash;  // empty: none set yet (invited)
  std::optional<Instant> password_changed_at;
};
Result<std::optional<PersonRow>> find_person(ReadTx& tx, core::PersonId id);
Result<std::optional<PersonRow>> find_person_by_email(ReadTx& tx, std::string_view email_key);
// By e-mail key, ascending, after `after_email_key`, at most `limit`.
Result<std::vector<PersonRow>> list_people(ReadTx& tx, std::string_view after_email_key, int limit);
// Cost: reads all. Errors: integrity_violated (there are rows, and none of them is ours: to take
// that
//         for nobody would let a set-up begin).
Result<uint64_t> count_people(ReadTx& tx);
// Errors: already_exists (field "email").
Result<void> insert_person(WriteTx& tx, const PersonRow& row);
Result<void> update_person(WriteTx& tx, const PersonRow& row);
Result<void> touch_sign_in(WriteTx& tx, core::PersonId id, Instant at);

Result<std::optional<core::Membership>> find_membership(ReadTx& tx,
                                                        core::OrganizationId organization,
                                                        core::PersonId person);
Result<std::vector<core::Membership>> list_memberships_of(ReadTx& tx, core::PersonId person);
struct MemberRow {
  core::Membership membership;
  core::Person person;
};
Result<std::vector<MemberRow>> list_members(ReadTx& tx, core::OrganizationId organization,
                                            std::string_view after_email_key, int limit);
Result<uint64_t> count_owners(ReadTx& tx, core::OrganizationId organization);  // active people only
// Inserts, or changes the role.
Result<void> upsert_membership(WriteTx& tx, const core::Membership& membership);
Result<void> delete_membership(WriteTx& tx, core::OrganizationId organization,
                               core::PersonId person);
Result<void> for_each_membership(
    ReadTx& tx, const std::function<Result<void>(const core::Membership&)>& on_row);
// By organization and person, after `after`, at most `limit` rows read. `next` is where the next
// page begins; nothing after the last row.
using MembershipKey = std::pair<core::OrganizationId, core::PersonId>;
struct MembershipPage {
  std::vector<core::Membership> rows;
  std::optional<MembershipKey> next;
};
Result<MembershipPage> list_all_memberships(ReadTx& tx, const MembershipKey& after, int limit);
Result<void> for_each_person(ReadTx& tx,
                             const std::function<Result<void>(const core::Person&)>& on_row);

struct SessionRow {
  core::SessionId id;
  core::PersonId person;
  Digest digest{};
  Instant created_at;
  Instant last_seen_at;
  Instant expires_at;  // the absolute limit
  std::string address;
  std::string user_agent;
};
Result<std::optional<SessionRow>> find_session(ReadTx& tx, core::SessionId id);
Result<std::optional<SessionRow>> find_session_by_digest(ReadTx& tx, const Digest& digest);
Result<std::vector<SessionRow>> list_sessions(ReadTx& tx, core::PersonId person);
Result<void> insert_session(WriteTx& tx, const SessionRow& row);
Result<void> touch_session(WriteTx& tx, core::SessionId id, Instant last_seen_at);
// Whether there was one.
Result<bool> delete_session(WriteTx& tx, core::PersonId person, core::SessionId id);
// Ends all sessions of `person` but `keep`.
Result<void> delete_sessions(WriteTx& tx, core::PersonId person,
                             std::optional<core::SessionId> keep);
Result<void> delete_all_sessions(WriteTx& tx);
Result<void> delete_sessions_expired_before(WriteTx& tx, Instant instant);

// Numbers are stored: do not change them.
enum class LinkKind { setup = 1, invitation = 2, password_reset = 3 };
struct LinkRow {
  core::LinkId id;
  LinkKind kind = LinkKind::setup;
  Digest digest{};
  Instant created_at;
  Instant expires_at;
  std::optional<core::PersonId> person;              // whose password is reset; who invited
  std::optional<core::OrganizationId> organization;  // that one is invited to
  std::optional<core::Role> role;
  std::string email;  // of the invited
};
Result<std::optional<LinkRow>> find_link(ReadTx& tx, core::LinkId id);
Result<std::optional<LinkRow>> find_link_by_digest(ReadTx& tx, const Digest& digest);
Result<std::vector<LinkRow>> list_invitations(ReadTx& tx, core::OrganizationId organization);
Result<void> insert_link(WriteTx& tx, const LinkRow& row);
Result<bool> delete_link(WriteTx& tx, core::LinkId id);
Result<void> delete_all_links(WriteTx& tx);
// All links of `kind`, e.g. when a new setup link replaces the old one.
Result<void> delete_links(WriteTx& tx, LinkKind kind, std::optional<core::PersonId> person);

// For `audit verify`: all rows of these tables. Errors: integrity_violated (names the first whose
// MAC
//         is wrong).
Result<void> check_identity_rows(ReadTx& tx);

}  // namespace latchkey::store
