#include "store/identity_rows.h"

#include <utility>

#include "store/row_errors.h"

namespace latchkey::store {
namespace {

constexpr std::string_view kPersonColumns =
    "p.person_id, p.email, p.display_name, p.state, p.is_operator, p.created_at, "
    "p.last_sign_in_at";
constexpr int kPersonColumnCount = 7;

// `first` is the column where those of a person begin.
core::Person read_person(const Row& row, int first) {
  core::Person person;
  person.id = row.id<core::PersonId>(first);
  person.email = row.text(first + 1);
  person.display_name = row.text(first + 2);
  person.state = row.one_of(first + 3, {core::PersonState::active, core::PersonState::disabled});
  person.is_operator = row.boolean(first + 4);
  person.created_at = row.instant(first + 5);
  person.last_sign_in_at = row.optional_instant(first + 6);
  return person;
}

core::Role read_role(const Row& row, int column) {
  return row.one_of(column, {core::Role::reader, core::Role::member, core::Role::administrator,
                             core::Role::owner});
}

Result<std::vector<PersonRow>> select_people(ReadTx& tx, std::string_view rest,
                                             std::initializer_list<Value> values) {
  const std::string sql = "SELECT " + std::string(kPersonColumns) +
                          ", p.password_hash, p.password_changed_at FROM people p " +
                          std::string(rest);
  std::vector<PersonRow> people;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    people.push_back({read_person(row, 0), std::string(row.text(kPersonColumnCount)),
                      row.optional_instant(kPersonColumnCount + 1)});
    return {};
  }));
  return people;
}

constexpr std::string_view kMembershipColumns =
    "m.organization_id, m.person_id, m.role, m.created_at";
constexpr int kMembershipColumnCount = 4;

core::Membership read_membership(const Row& row) {
  return {row.id<core::OrganizationId>(0), row.id<core::PersonId>(1), read_role(row, 2),
          row.instant(3)};
}

Result<std::vector<core::Membership>> select_memberships(ReadTx& tx, std::string_view rest,
                                                         std::initializer_list<Value> values) {
  const std::string sql =
      "SELECT " + std::string(kMembershipColumns) + " FROM memberships m " + std::string(rest);
  std::vector<core::Membership> memberships;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    memberships.push_back(read_membership(row));
    return {};
  }));
  return memberships;
}

Result<std::vector<SessionRow>> select_sessions(ReadTx& tx, std::string_view rest,
                                                std::initializer_list<Value> values) {
  const std::string sql =
      "SELECT session_id, person_id, digest, created_at, last_seen_at, expires_at, address, "
      "user_agent FROM sessions " +
      std::string(rest);
  std::vector<SessionRow> sessions;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    sessions.push_back({row.id<core::SessionId>(0), row.id<core::PersonId>(1), row.bytes<32>(2),
                        row.instant(3), row.instant(4), row.instant(5), std::string(row.text(6)),
                        std::string(row.text(7))});
    return {};
  }));
  return sessions;
}

Result<std::vector<LinkRow>> select_links(ReadTx& tx, std::string_view rest,
                                          std::initializer_list<Value> values) {
  const std::string sql =
      "SELECT link_id, kind, digest, created_at, expires_at, person_id, organization_id, role, "
      "email FROM links " +
      std::string(rest);
  std::vector<LinkRow> links;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    LinkRow& link = links.emplace_back();
    link.id = row.id<core::LinkId>(0);
    link.kind = row.one_of(1, {LinkKind::setup, LinkKind::invitation, LinkKind::password_reset});
    link.digest = row.bytes<32>(2);
    link.created_at = row.instant(3);
    link.expires_at = row.instant(4);
    link.person = row.optional_id<core::PersonId>(5);
    link.organization = row.optional_id<core::OrganizationId>(6);
    if (!row.is_null(7)) link.role = read_role(row, 7);
    link.email = row.text(8);
    return {};
  }));
  return links;
}

template <class T>
std::optional<T> first_of(std::vector<T>&& rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

Result<uint64_t> count(ReadTx& tx, std::string_view sql, std::initializer_list<Value> values) {
  uint64_t number = 0;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    number = static_cast<uint64_t>(row.integer(0));
    return {};
  }));
  return number;
}

}  // namespace

Result<std::optional<PersonRow>> find_person(ReadTx& tx, core::PersonId id) {
  LK_TRY(auto found, select_people(tx, "WHERE p.person_id = $1", {id}));
  return first_of(std::move(found));
}

Result<std::optional<PersonRow>> find_person_by_email(ReadTx& tx, std::string_view email_key) {
  LK_TRY(auto found, select_people(tx, "WHERE p.email_key = $1", {email_key}));
  return first_of(std::move(found));
}

Result<std::vector<PersonRow>> list_people(ReadTx& tx, std::string_view after_email_key,
                                           int limit) {
  return select_people(tx, "WHERE p.email_key > $1 ORDER BY p.email_key LIMIT $2",
                       {after_email_key, limit});
}

Result<uint64_t> count_people(ReadTx& tx) { return count(tx, "SELECT COUNT(*) FROM people", {}); }

Result<void> insert_person(WriteTx& tx, const PersonRow& row) {
  const core::Person& person = row.person;
  auto inserted = tx.connection().run(
      "INSERT INTO people (person_id, email, email_key, display_name, state, is_operator, "
      "created_at, last_sign_in_at, password_hash, password_changed_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {person.id, person.email, core::email_key(person.email), person.display_name,
       static_cast<int>(person.state), person.is_operator, person.created_at,
       person.last_sign_in_at, row.password_hash, row.password_changed_at});
  LK_CHECK(with_field(std::move(inserted), "email_key", "email"));
  return {};
}

Result<void> update_person(WriteTx& tx, const PersonRow& row) {
  const core::Person& person = row.person;
  auto updated = tx.connection().run(
      "UPDATE people SET email = $2, email_key = $3, display_name = $4, state = $5, "
      "is_operator = $6, last_sign_in_at = $7, password_hash = $8, password_changed_at = $9 "
      "WHERE person_id = $1",
      {person.id, person.email, core::email_key(person.email), person.display_name,
       static_cast<int>(person.state), person.is_operator, person.last_sign_in_at,
       row.password_hash, row.password_changed_at});
  return expect_one(with_field(std::move(updated), "email_key", "email"));
}

Result<void> touch_sign_in(WriteTx& tx, core::PersonId id, Instant at) {
  LK_CHECK(
      tx.connection().run("UPDATE people SET last_sign_in_at = $2 WHERE person_id = $1", {id, at}));
  return {};
}

Result<std::optional<core::Membership>> find_membership(ReadTx& tx,
                                                        core::OrganizationId organization,
                                                        core::PersonId person) {
  LK_TRY(auto found, select_memberships(tx, "WHERE m.organization_id = $1 AND m.person_id = $2",
                                        {organization, person}));
  return first_of(std::move(found));
}

Result<std::vector<core::Membership>> list_memberships_of(ReadTx& tx, core::PersonId person) {
  return select_memberships(tx, "WHERE m.person_id = $1 ORDER BY m.organization_id", {person});
}

Result<std::vector<MemberRow>> list_members(ReadTx& tx, core::OrganizationId organization,
                                            std::string_view after_email_key, int limit) {
  static const std::string sql =
      "SELECT " + std::string(kMembershipColumns) + ", " + std::string(kPersonColumns) +
      " FROM memberships m JOIN people p ON p.person_id = m.person_id "
      "WHERE m.organization_id = $1 AND p.email_key > $2 ORDER BY p.email_key LIMIT $3";
  std::vector<MemberRow> members;
  LK_CHECK(tx.connection().run(
      sql, {organization, after_email_key, limit}, [&](const Row& row) -> Result<void> {
        members.push_back({read_membership(row), read_person(row, kMembershipColumnCount)});
        return {};
      }));
  return members;
}

Result<uint64_t> count_owners(ReadTx& tx, core::OrganizationId organization) {
  return count(tx,
               "SELECT COUNT(*) FROM memberships m JOIN people p ON p.person_id = m.person_id "
               "WHERE m.organization_id = $1 AND m.role = $2 AND p.state = $3",
               {organization, static_cast<int>(core::Role::owner),
                static_cast<int>(core::PersonState::active)});
}

Result<void> upsert_membership(WriteTx& tx, const core::Membership& membership) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO memberships (organization_id, person_id, role, created_at) "
      "VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (organization_id, person_id) DO UPDATE SET role = excluded.role",
      {membership.organization, membership.person, static_cast<int>(membership.role),
       membership.created_at}));
  return {};
}

Result<void> delete_membership(WriteTx& tx, core::OrganizationId organization,
                               core::PersonId person) {
  LK_CHECK(
      tx.connection().run("DELETE FROM memberships WHERE organization_id = $1 AND person_id = $2",
                          {organization, person}));
  return {};
}

Result<void> for_each_membership(
    ReadTx& tx, const std::function<Result<void>(const core::Membership&)>& on_row) {
  static const std::string sql =
      "SELECT " + std::string(kMembershipColumns) + " FROM memberships m";
  LK_CHECK(tx.connection().run(sql, {}, [&](const Row& row) -> Result<void> {
    const core::Membership membership = read_membership(row);
    if (row.refused()) return {};  // run() ends with integrity_violated
    return on_row(membership);
  }));
  return {};
}

Result<void> for_each_person(ReadTx& tx,
                             const std::function<Result<void>(const core::Person&)>& on_row) {
  static const std::string sql = "SELECT " + std::string(kPersonColumns) + " FROM people p";
  LK_CHECK(tx.connection().run(sql, {}, [&](const Row& row) -> Result<void> {
    const core::Person person = read_person(row, 0);
    if (row.refused()) return {};  // run() ends with integrity_violated
    return on_row(person);
  }));
  return {};
}

Result<std::optional<SessionRow>> find_session_by_digest(ReadTx& tx, const Digest& digest) {
  LK_TRY(auto found, select_sessions(tx, "WHERE digest = $1", {digest}));
  return first_of(std::move(found));
}

Result<std::vector<SessionRow>> list_sessions(ReadTx& tx, core::PersonId person) {
  return select_sessions(tx, "WHERE person_id = $1 ORDER BY last_seen_at DESC, session_id",
                         {person});
}

Result<void> insert_session(WriteTx& tx, const SessionRow& row) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO sessions (session_id, person_id, digest, created_at, last_seen_at, expires_at, "
      "address, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {row.id, row.person, row.digest, row.created_at, row.last_seen_at, row.expires_at,
       row.address, row.user_agent}));
  return {};
}

Result<void> touch_session(WriteTx& tx, core::SessionId id, Instant last_seen_at) {
  LK_CHECK(tx.connection().run(
      "UPDATE sessions SET last_seen_at = $2 WHERE session_id = $1 AND last_seen_at < $2",
      {id, last_seen_at}));
  return {};
}

Result<bool> delete_session(WriteTx& tx, core::PersonId person, core::SessionId id) {
  LK_TRY(const int64_t deleted,
         tx.connection().run("DELETE FROM sessions WHERE session_id = $1 AND person_id = $2",
                             {id, person}));
  return deleted > 0;
}

Result<void> delete_sessions(WriteTx& tx, core::PersonId person,
                             std::optional<core::SessionId> keep) {
  // Nobody's session has the nil id.
  LK_CHECK(tx.connection().run("DELETE FROM sessions WHERE person_id = $1 AND session_id <> $2",
                               {person, keep.value_or(core::SessionId{})}));
  return {};
}

Result<void> delete_sessions_expired_before(WriteTx& tx, Instant instant) {
  LK_CHECK(tx.connection().run("DELETE FROM sessions WHERE expires_at < $1", {instant}));
  return {};
}

Result<std::optional<LinkRow>> find_link_by_digest(ReadTx& tx, const Digest& digest) {
  LK_TRY(auto found, select_links(tx, "WHERE digest = $1", {digest}));
  return first_of(std::move(found));
}

Result<std::vector<LinkRow>> list_invitations(ReadTx& tx, core::OrganizationId organization) {
  return select_links(tx, "WHERE organization_id = $1 AND kind = $2 ORDER BY created_at, link_id",
                      {organization, static_cast<int>(LinkKind::invitation)});
}

Result<void> insert_link(WriteTx& tx, const LinkRow& row) {
  const Value role = row.role ? Value(static_cast<int>(*row.role)) : Value(nullptr);
  LK_CHECK(tx.connection().run(
      "INSERT INTO links (link_id, kind, digest, created_at, expires_at, person_id, "
      "organization_id, role, email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      {row.id, static_cast<int>(row.kind), row.digest, row.created_at, row.expires_at, row.person,
       row.organization, role, row.email}));
  return {};
}

Result<bool> delete_link(WriteTx& tx, core::LinkId id) {
  LK_TRY(const int64_t deleted, tx.connection().run("DELETE FROM links WHERE link_id = $1", {id}));
  return deleted > 0;
}

Result<void> delete_links(WriteTx& tx, LinkKind kind, std::optional<core::PersonId> person) {
  const int number = static_cast<int>(kind);
  if (person) {
    LK_CHECK(tx.connection().run("DELETE FROM links WHERE kind = $1 AND person_id = $2",
                                 {number, *person}));
  } else {
    LK_CHECK(tx.connection().run("DELETE FROM links WHERE kind = $1", {number}));
  }
  return {};
}

}  // namespace latchkey::store
