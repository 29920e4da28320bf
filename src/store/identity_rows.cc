#include "store/identity_rows.h"

#include <utility>

#include "store/row_errors.h"
#include "store/row_mac.h"

namespace latchkey::store {
namespace {

constexpr std::string_view kPersonColumns =
    "p.person_id, p.email, p.display_name, p.state, p.is_operator, p.created_at, "
    "p.last_sign_in_at, p.password_hash, p.password_changed_at, p.email_key, p.mac";
constexpr int kEmailKeyColumn = 9;
constexpr int kPersonMacColumn = 10;

// `first` is the column where those of a person begin.
PersonRow read_person(const Row& row, int first) {
  PersonRow read;
  core::Person& person = read.person;
  person.id = row.id<core::PersonId>(first);
  person.email = row.text(first + 1);
  person.display_name = row.text(first + 2);
  person.state = row.one_of(first + 3, {core::PersonState::active, core::PersonState::disabled});
  person.is_operator = row.boolean(first + 4);
  person.created_at = row.instant(first + 5);
  person.last_sign_in_at = row.optional_instant(first + 6);
  read.password_hash = row.text(first + 7);
  read.password_changed_at = row.optional_instant(first + 8);
  return read;
}

// The key that a person is found by follows from the address, so it is no field of the MAC.
Result<bool> is_ours(RowCheck& check, const PersonRow& read, const Row& row, int first) {
  const bool found_by_its_key =
      row.text(first + kEmailKeyColumn) == core::email_key(read.person.email);
  const auto stored =
      found_by_its_key ? row.blob(first + kPersonMacColumn) : std::span<const uint8_t>();
  return check.is_ours([&](const Hmac& key) { return person_mac(key, read); }, stored,
                       [&] { return "person " + core::format_id(read.person.id); });
}

core::Role read_role(const Row& row, int column) {
  return row.one_of(column, {core::Role::reader, core::Role::member, core::Role::administrator,
                             core::Role::owner});
}

using OnPerson = std::function<Result<void>(PersonRow&&)>;

// The rows of a statement, ours or not: how many, and the e-mail key of the last.
struct Seen {
  int rows = 0;
  std::string last_email_key;
  // Where the next page begins, if there may be one after `limit` rows.
  std::optional<std::string> next(int limit) && {
    if (rows < limit) return std::nullopt;
    return std::move(last_email_key);
  }
};

Result<Seen> visit_people(ReadTx& tx, RowCheck& check, std::string_view rest,
                          std::initializer_list<Value> values, const OnPerson& on_person) {
  const std::string sql =
      "SELECT " + std::string(kPersonColumns) + " FROM people p " + std::string(rest);
  Seen seen;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    PersonRow read = read_person(row, 0);
    if (row.refused()) return {};  // run() ends with integrity_violated
    ++seen.rows;
    seen.last_email_key = row.text(kEmailKeyColumn);
    LK_TRY(const bool ours, is_ours(check, read, row, 0));
    if (!ours) return {};
    return on_person(std::move(read));
  }));
  return seen;
}

Result<std::optional<PersonRow>> select_person(ReadTx& tx, std::string_view rest, Value value) {
  RowCheck check(tx, "people");
  std::optional<PersonRow> found;
  LK_CHECK(visit_people(tx, check, rest, {value}, [&](PersonRow&& row) -> Result<void> {
    found = std::move(row);
    return {};
  }));
  return found;
}

constexpr std::string_view kMembershipColumns =
    "m.organization_id, m.person_id, m.role, m.created_at, m.mac";
constexpr int kMembershipColumnCount = 5;

core::Membership read_membership(const Row& row) {
  return {row.id<core::OrganizationId>(0), row.id<core::PersonId>(1), read_role(row, 2),
          row.instant(3)};
}

Result<bool> is_ours(RowCheck& check, const core::Membership& read, const Row& row) {
  return check.is_ours([&](const Hmac& key) { return membership_mac(key, read); }, row.blob(4),
                       [&] {
                         return "membership of person " + core::format_id(read.person) +
                                " in organization " + core::format_id(read.organization);
                       });
}

using OnMembership = std::function<Result<void>(const core::Membership&)>;

Result<void> visit_memberships(ReadTx& tx, RowCheck& check, std::string_view rest,
                               std::initializer_list<Value> values,
                               const OnMembership& on_membership) {
  const std::string sql =
      "SELECT " + std::string(kMembershipColumns) + " FROM memberships m " + std::string(rest);
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    const core::Membership read = read_membership(row);
    if (row.refused()) return {};  // run() ends with integrity_violated
    LK_TRY(const bool ours, is_ours(check, read, row));
    if (!ours) return {};
    return on_membership(read);
  }));
  return {};
}

Result<std::vector<core::Membership>> select_memberships(ReadTx& tx, std::string_view rest,
                                                         std::initializer_list<Value> values) {
  RowCheck check(tx, "memberships");
  std::vector<core::Membership> memberships;
  LK_CHECK(visit_memberships(tx, check, rest, values, [&](const auto& read) -> Result<void> {
    memberships.push_back(read);
    return {};
  }));
  return memberships;
}

// Visits memberships that are ours, of people who are ours too.
Result<Seen> visit_members(ReadTx& tx, std::string_view rest, std::initializer_list<Value> values,
                           const std::function<void(MemberRow&&)>& on_member) {
  const std::string sql =
      "SELECT " + std::string(kMembershipColumns) + ", " + std::string(kPersonColumns) +
      " FROM memberships m JOIN people p ON p.person_id = m.person_id " + std::string(rest);
  RowCheck memberships(tx, "memberships");
  RowCheck people(tx, "people");
  Seen seen;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    const core::Membership membership = read_membership(row);
    PersonRow person = read_person(row, kMembershipColumnCount);
    if (row.refused()) return {};  // run() ends with integrity_violated
    ++seen.rows;
    seen.last_email_key = row.text(kMembershipColumnCount + kEmailKeyColumn);
    LK_TRY(const bool membership_is_ours, is_ours(memberships, membership, row));
    LK_TRY(const bool person_is_ours, is_ours(people, person, row, kMembershipColumnCount));
    if (membership_is_ours && person_is_ours) on_member({membership, std::move(person.person)});
    return {};
  }));
  return seen;
}

Result<std::vector<SessionRow>> select_sessions(ReadTx& tx, std::string_view rest,
                                                std::initializer_list<Value> values,
                                                OnForged on_forged = OnForged::skip) {
  const std::string sql =
      "SELECT session_id, person_id, digest, created_at, last_seen_at, expires_at, address, "
      "user_agent, mac FROM sessions " +
      std::string(rest);
  RowCheck check(tx, "sessions", on_forged);
  std::vector<SessionRow> sessions;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    SessionRow read{row.id<core::SessionId>(0),
                    row.id<core::PersonId>(1),
                    row.bytes<32>(2),
                    row.instant(3),
                    row.instant(4),
                    row.instant(5),
                    std::string(row.text(6)),
                    std::string(row.text(7))};
    if (row.refused()) return {};  // run() ends with integrity_violated
    LK_TRY(const bool ours,
           check.is_ours([&](const Hmac& key) { return session_mac(key, read); }, row.blob(8),
                         [&] { return "session " + core::format_id(read.id); }));
    if (ours) sessions.push_back(std::move(read));
    return {};
  }));
  return sessions;
}

Result<std::vector<LinkRow>> select_links(ReadTx& tx, std::string_view rest,
                                          std::initializer_list<Value> values,
                                          OnForged on_forged = OnForged::skip) {
  const std::string sql =
      "SELECT link_id, kind, digest, created_at, expires_at, person_id, organization_id, role, "
      "email, mac FROM links " +
      std::string(rest);
  RowCheck check(tx, "links", on_forged);
  std::vector<LinkRow> links;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    LinkRow link;
    link.id = row.id<core::LinkId>(0);
    link.kind = row.one_of(1, {LinkKind::setup, LinkKind::invitation, LinkKind::password_reset});
    link.digest = row.bytes<32>(2);
    link.created_at = row.instant(3);
    link.expires_at = row.instant(4);
    link.person = row.optional_id<core::PersonId>(5);
    link.organization = row.optional_id<core::OrganizationId>(6);
    if (!row.is_null(7)) link.role = read_role(row, 7);
    link.email = row.text(8);
    if (row.refused()) return {};  // run() ends with integrity_violated
    LK_TRY(const bool ours,
           check.is_ours([&](const Hmac& key) { return link_mac(key, link); }, row.blob(9),
                         [&] { return "link " + core::format_id(link.id); }));
    if (ours) links.push_back(std::move(link));
    return {};
  }));
  return links;
}

template <class T>
std::optional<T> first_of(std::vector<T>&& rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

}  // namespace

Result<std::optional<PersonRow>> find_person(ReadTx& tx, core::PersonId id) {
  return select_person(tx, "WHERE p.person_id = $1", id);
}

Result<std::optional<PersonRow>> find_person_by_email(ReadTx& tx, std::string_view email_key) {
  return select_person(tx, "WHERE p.email_key = $1", email_key);
}

Result<std::vector<PersonRow>> list_people(ReadTx& tx, std::string_view after_email_key,
                                           int limit) {
  RowCheck check(tx, "people");
  const auto select = [&](std::string_view after, int count,
                          std::vector<PersonRow>& people) -> Result<std::optional<std::string>> {
    LK_TRY(Seen seen,
           visit_people(tx, check, "WHERE p.email_key > $1 ORDER BY p.email_key LIMIT $2",
                        {after, count}, [&](PersonRow&& row) -> Result<void> {
                          people.push_back(std::move(row));
                          return {};
                        }));
    return std::move(seen).next(count);
  };
  return fill_page<PersonRow>(after_email_key, limit, select);
}

Result<uint64_t> count_people(ReadTx& tx) {
  RowCheck check(tx, "people");
  uint64_t ours = 0;
  LK_CHECK(visit_people(tx, check, "", {}, [&](PersonRow&&) -> Result<void> {
    ++ours;
    return {};
  }));
  if (ours == 0 && check.forged() > 0) {
    return Error(ErrorCode::integrity_violated, "no row of a person is as it was written");
  }
  return ours;
}

Result<void> insert_person(WriteTx& tx, const PersonRow& row) {
  const core::Person& person = row.person;
  auto inserted = tx.connection().run(
      "INSERT INTO people (person_id, email, email_key, display_name, state, is_operator, "
      "created_at, last_sign_in_at, password_hash, password_changed_at, mac) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
      {person.id, person.email, core::email_key(person.email), person.display_name,
       static_cast<int>(person.state), person.is_operator, person.created_at,
       person.last_sign_in_at, row.password_hash, row.password_changed_at,
       person_mac(tx.row_key(), row)});
  LK_CHECK(with_field(std::move(inserted), "email_key", "email"));
  return {};
}

Result<void> update_person(WriteTx& tx, const PersonRow& row) {
  const core::Person& person = row.person;
  auto updated = tx.connection().run(
      "UPDATE people SET email = $2, email_key = $3, display_name = $4, state = $5, "
      "is_operator = $6, last_sign_in_at = $7, password_hash = $8, password_changed_at = $9, "
      "mac = $10 "
      "WHERE person_id = $1",
      {person.id, person.email, core::email_key(person.email), person.display_name,
       static_cast<int>(person.state), person.is_operator, person.last_sign_in_at,
       row.password_hash, row.password_changed_at, person_mac(tx.row_key(), row)});
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
  const auto select = [&](std::string_view after, int count,
                          std::vector<MemberRow>& members) -> Result<std::optional<std::string>> {
    LK_TRY(
        Seen seen,
        visit_members(
            tx, "WHERE m.organization_id = $1 AND p.email_key > $2 ORDER BY p.email_key LIMIT $3",
            {organization, after, count},
            [&](MemberRow&& row) { members.push_back(std::move(row)); }));
    return std::move(seen).next(count);
  };
  return fill_page<MemberRow>(after_email_key, limit, select);
}

Result<uint64_t> count_owners(ReadTx& tx, core::OrganizationId organization) {
  uint64_t owners = 0;
  LK_CHECK(visit_members(tx, "WHERE m.organization_id = $1 AND m.role = $2 AND p.state = $3",
                         {organization, static_cast<int>(core::Role::owner),
                          static_cast<int>(core::PersonState::active)},
                         [&](MemberRow&&) { ++owners; }));
  return owners;
}

Result<void> upsert_membership(WriteTx& tx, const core::Membership& membership) {
  core::Membership written = membership;
  LK_TRY(const auto before, find_membership(tx, membership.organization, membership.person));
  if (before) written.created_at = before->created_at;  // the first date stays
  LK_CHECK(tx.connection().run(
      "INSERT INTO memberships (organization_id, person_id, role, created_at, mac) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organization_id, person_id) DO UPDATE SET "
      "role = excluded.role, created_at = excluded.created_at, mac = excluded.mac",
      {written.organization, written.person, static_cast<int>(written.role), written.created_at,
       membership_mac(tx.row_key(), written)}));
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
  RowCheck check(tx, "memberships");
  return visit_memberships(tx, check, "", {}, on_row);
}

Result<MembershipPage> list_all_memberships(ReadTx& tx, const MembershipKey& after, int limit) {
  static const std::string sql =
      "SELECT " + std::string(kMembershipColumns) +
      " FROM memberships m WHERE (m.organization_id, m.person_id) > ($1, $2) "
      "ORDER BY m.organization_id, m.person_id LIMIT $3";
  RowCheck check(tx, "memberships");
  MembershipPage page;
  int rows = 0;
  LK_CHECK(tx.connection().run(sql, {after.first, after.second, limit},
                               [&](const Row& row) -> Result<void> {
                                 const core::Membership read = read_membership(row);
                                 if (row.refused())
                                   return {};  // run() ends with integrity_violated
                                 ++rows;
                                 page.next.emplace(read.organization, read.person);
                                 LK_TRY(const bool ours, is_ours(check, read, row));
                                 if (ours) page.rows.push_back(read);
                                 return {};
                               }));
  if (rows < limit) page.next.reset();
  return page;
}

Result<void> for_each_person(ReadTx& tx,
                             const std::function<Result<void>(const core::Person&)>& on_row) {
  RowCheck check(tx, "people");
  LK_CHECK(visit_people(tx, check, "", {}, [&](PersonRow&& row) { return on_row(row.person); }));
  return {};
}

Result<std::optional<SessionRow>> find_session_by_digest(ReadTx& tx, const Digest& digest) {
  LK_TRY(auto found, select_sessions(tx, "WHERE digest = $1", {digest}));
  return first_of(std::move(found));
}

Result<std::optional<SessionRow>> find_session(ReadTx& tx, core::SessionId id) {
  LK_TRY(auto found, select_sessions(tx, "WHERE session_id = $1", {id}));
  return first_of(std::move(found));
}

Result<std::vector<SessionRow>> list_sessions(ReadTx& tx, core::PersonId person) {
  return select_sessions(tx, "WHERE person_id = $1 ORDER BY last_seen_at DESC, session_id",
                         {person});
}

Result<void> insert_session(WriteTx& tx, const SessionRow& row) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO sessions (session_id, person_id, digest, created_at, last_seen_at, expires_at, "
      "address, user_agent, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      {row.id, row.person, row.digest, row.created_at, row.last_seen_at, row.expires_at,
       row.address, row.user_agent, session_mac(tx.row_key(), row)}));
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

Result<void> delete_all_sessions(WriteTx& tx) {
  LK_CHECK(tx.connection().run("DELETE FROM sessions"));
  return {};
}

Result<void> delete_all_links(WriteTx& tx) {
  LK_CHECK(tx.connection().run("DELETE FROM links"));
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

Result<std::optional<LinkRow>> find_link(ReadTx& tx, core::LinkId id) {
  LK_TRY(auto found, select_links(tx, "WHERE link_id = $1", {id}));
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
      "organization_id, role, email, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {row.id, static_cast<int>(row.kind), row.digest, row.created_at, row.expires_at, row.person,
       row.organization, role, row.email, link_mac(tx.row_key(), row)}));
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

Result<void> check_identity_rows(ReadTx& tx) {
  RowCheck people(tx, "people", OnForged::fail);
  LK_CHECK(visit_people(tx, people, "", {}, [](PersonRow&&) { return Result<void>(); }));
  RowCheck memberships(tx, "memberships", OnForged::fail);
  LK_CHECK(visit_memberships(tx, memberships, "", {}, [](const auto&) { return Result<void>(); }));
  LK_CHECK(select_sessions(tx, "", {}, OnForged::fail));
  LK_CHECK(select_links(tx, "", {}, OnForged::fail));
  return {};
}

}  // namespace latchkey::store
