// Rows that were written past the server: no read gives them, the audit names them, and the rest of
// the table is as before.
#include "base/bytes.h"
#include "contract.h"

namespace latchkey::store {
namespace {

using Names = std::vector<std::string>;

const std::string kOtherId = "x'00112233445566778899aabbccddeeff'";
const std::string kOtherDigest =
    "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";

// The digest of that text.
Digest other_digest() {
  Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<uint8_t>(i % 16 * 0x11);
  return digest;
}

class ForgedRows : public StoreContract {
 protected:
  // Two of everything; `owner_` owns, `other_` is the one that is tampered with.
  void SetUp() override {
    add_owner();
    other_ = make_person("bob@example.com");
    other_.password_hash = "$argon2id$x";
    other_organization_ = make_organization("fabrikam");
    session_ = make_session(other_.person.id);
    owner_session_ = make_session(owner_.person.id);
    link_ = make_link("carl@example.com");
    ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(insert_person(tx, other_));
      LK_CHECK(insert_organization(tx, other_organization_));
      LK_CHECK(upsert_membership(tx, member(owner_, core::Role::owner)));
      LK_CHECK(upsert_membership(tx, member(other_, core::Role::reader)));
      LK_CHECK(insert_session(tx, session_));
      LK_CHECK(insert_session(tx, owner_session_));
      LK_CHECK(insert_link(tx, link_));
      return insert_link(tx, make_link("dora@example.com"));
    }));
    ASSERT_OK(audit());
  }
  core::Membership member(const PersonRow& row, core::Role role) {
    return {organization_.id, row.person.id, role, Instant{5}};
  }
  SessionRow make_session(core::PersonId person) {
    const Instant now = world_.clock().now();
    return {new_id<core::SessionId>(),   person,      new_digest(), now, now,
            now + std::chrono::hours(1), "192.0.2.1", "curl"};
  }
  LinkRow make_link(std::string email) {
    LinkRow link;
    link.id = new_id<core::LinkId>();
    link.kind = LinkKind::invitation;
    link.digest = new_digest();
    link.created_at = world_.clock().now();
    link.expires_at = link.created_at + std::chrono::hours(1);
    link.organization = organization_.id;
    link.role = core::Role::reader;
    link.email = std::move(email);
    return link;
  }
  static std::string sql_of(std::span<const uint8_t> bytes) {
    return "x'" + format_hex(bytes) + "'";
  }
  template <class AnyId>
  static std::string sql_of_id(const AnyId& id) {
    return sql_of(id.uuid.bytes);
  }
  void tamper(const std::string& sql) {
    ASSERT_OK(run_past("PRAGMA defer_foreign_keys = ON;" + sql));
  }
  // For each of `changes`: what `gone` says holds once the row `where` of `table` has it, the audit
  // names `named`, and once the row is put back all is as it was.
  void expect_each_is_found(const std::string& table, const std::string& where,
                            const std::vector<std::string>& changes, const std::string& named,
                            const std::function<void()>& gone) {
    for (const std::string& assignment : changes) {
      SCOPED_TRACE(table + ": " + assignment);
      tamper("CREATE TABLE kept AS SELECT * FROM " + table + " WHERE " + where + ";");
      tamper("UPDATE " + table + " SET " + assignment + " WHERE " + where + ";");
      gone();
      expect_named(named);
      tamper("DELETE FROM " + table + " WHERE mac IN (SELECT mac FROM kept) OR " + where + ";" +
             "INSERT INTO " + table + " SELECT * FROM kept; DROP TABLE kept;");
      ASSERT_OK(audit());
    }
  }
  void expect_named(const std::string& named) {
    const auto report = audit();
    EXPECT_CODE(report, integrity_violated);
    EXPECT_EQ(report.error().message.find(named), 0u) << report.error().message;
  }
  Names people() {
    Names emails;
    for (const auto& row :
         read<std::vector<PersonRow>>([](ReadTx& tx) { return list_people(tx, "", 1); })) {
      emails.push_back(row.person.email);
    }
    return emails;
  }
  template <class T>
  size_t count(const std::function<Result<std::vector<T>>(ReadTx&)>& list) {
    return read<std::vector<T>>(list).size();
  }
  size_t visited_people() {
    size_t visited = 0;
    EXPECT_TRUE(store().read([&](ReadTx& tx) {
      return for_each_person(tx, [&](const core::Person&) { return ++visited, Result<void>(); });
    }));
    return visited;
  }
  size_t visited_memberships() {
    size_t visited = 0;
    EXPECT_TRUE(store().read([&](ReadTx& tx) {
      return for_each_membership(
          tx, [&](const core::Membership&) { return ++visited, Result<void>(); });
    }));
    return visited;
  }
  size_t visited_organizations() {
    size_t visited = 0;
    EXPECT_TRUE(store().read([&](ReadTx& tx) {
      return for_each_organization(
          tx, [&](const core::Organization&) { return ++visited, Result<void>(); });
    }));
    return visited;
  }
  uint64_t owners() {
    return read<uint64_t>([&](ReadTx& tx) { return count_owners(tx, organization_.id); });
  }
  Names member_emails() {
    Names emails;
    for (const auto& row : read<std::vector<MemberRow>>(
             [&](ReadTx& tx) { return list_members(tx, organization_.id, "", 1); })) {
      emails.push_back(row.person.email);
    }
    return emails;
  }

  PersonRow other_;
  core::Organization other_organization_;
  SessionRow session_;
  SessionRow owner_session_;
  LinkRow link_;
};
LATCHKEY_CONTRACT(ForgedRows);

TEST_P(ForgedRows, PersonIsNotThere) {
  const auto gone = [&] {
    EXPECT_FALSE(read<std::optional<PersonRow>>(
        [&](ReadTx& tx) { return find_person(tx, other_.person.id); }));
    for (const char* key : {"bob@example.com", "eve@example.com"}) {
      EXPECT_FALSE(read<std::optional<PersonRow>>(
          [&](ReadTx& tx) { return find_person_by_email(tx, key); }));
    }
    EXPECT_EQ(people(), Names{"owner@example.com"});  // a page of one is full all the same
    EXPECT_EQ(person_count(), 1u);
    EXPECT_EQ(visited_people(), 1u);
    EXPECT_EQ(member_emails(), Names{"owner@example.com"});
  };
  expect_each_is_found("people", "email LIKE '%bob%' OR email LIKE '%eve%'",
                       {"email = 'eve@example.com'", "email_key = 'eve@example.com'",
                        "email = 'eve@example.com', email_key = 'eve@example.com'", "state = 2",
                        "is_operator = 1", "password_hash = '$argon2id$y'", "password_hash = ''",
                        "password_changed_at = 5", "mac = zeroblob(32)", "mac = x''",
                        "mac = (SELECT mac FROM people WHERE email LIKE 'owner%')"},
                       "person " + core::format_id(other_.person.id), gone);
}

TEST_P(ForgedRows, PersonThatWasPutInIsNotThere) {
  tamper("INSERT INTO people SELECT " + kOtherId +
         ", 'a@example.com', 'a@example.com', 'A', 1, 1, 0, NULL, '$argon2id$x', NULL, mac "
         "FROM people WHERE email = 'owner@example.com'");
  EXPECT_FALSE(read<std::optional<PersonRow>>(
      [](ReadTx& tx) { return find_person_by_email(tx, "a@example.com"); }));
  EXPECT_EQ(people(), Names{"bob@example.com"});
  EXPECT_EQ(person_count(), 2u);
  EXPECT_EQ(visited_people(), 2u);
  expect_named("person 00112233-4455-6677-8899-aabbccddeeff: its row was changed");
}

TEST_P(ForgedRows, NoPersonLeftIsNotTakenForNobody) {
  tamper("UPDATE people SET is_operator = 1");
  EXPECT_CODE(store().read([](ReadTx& tx) -> Result<void> {
    LK_CHECK(count_people(tx));
    return {};
  }),
              integrity_violated);
}

TEST_P(ForgedRows, MembershipIsNotThere) {
  const auto gone = [&] {
    EXPECT_FALSE(read<std::optional<core::Membership>>(
        [&](ReadTx& tx) { return find_membership(tx, organization_.id, other_.person.id); }));
    EXPECT_EQ(count<core::Membership>(
                  [&](ReadTx& tx) { return list_memberships_of(tx, other_.person.id); }),
              0u);
    EXPECT_EQ(member_emails(), Names{"owner@example.com"});
    EXPECT_EQ(visited_memberships(), 1u);
    EXPECT_EQ(owners(), 1u);
  };
  const std::string where = "created_at IN (5, 6) AND person_id = " + sql_of_id(other_.person.id);
  expect_each_is_found("memberships", where,
                       {"role = 4", "created_at = 6", "mac = zeroblob(32)",
                        "organization_id = " + sql_of_id(other_organization_.id)},
                       "membership of person " + core::format_id(other_.person.id), gone);
}

TEST_P(ForgedRows, MembershipThatWasPutInIsNotThereAndCanBeReplaced) {
  tamper("INSERT INTO memberships SELECT " + sql_of_id(other_organization_.id) +
         ", person_id, 4, created_at, mac FROM memberships WHERE role = 4");
  const auto find = [&] {
    return read<std::optional<core::Membership>>(
        [&](ReadTx& tx) { return find_membership(tx, other_organization_.id, owner_.person.id); });
  };
  EXPECT_FALSE(find());
  EXPECT_EQ(read<uint64_t>([&](ReadTx& tx) { return count_owners(tx, other_organization_.id); }),
            0u);
  expect_named("membership of person " + core::format_id(owner_.person.id));
  core::Membership right = member(owner_, core::Role::member);
  right.organization = other_organization_.id;
  right.created_at = Instant{9};
  ASSERT_OK(change([&](WriteTx& tx) { return upsert_membership(tx, right); }));
  ASSERT_TRUE(find());
  EXPECT_EQ(find()->created_at, Instant{9});  // nothing of the forged row stays
  ASSERT_OK(audit());
}

TEST_P(ForgedRows, SessionIsNotThere) {
  const auto gone = [&] {
    for (const Digest& digest : {session_.digest, other_digest()}) {
      EXPECT_FALSE(read<std::optional<SessionRow>>(
          [&](ReadTx& tx) { return find_session_by_digest(tx, digest); }));
    }
    EXPECT_EQ(count<SessionRow>([&](ReadTx& tx) { return list_sessions(tx, other_.person.id); }),
              0u);
    EXPECT_EQ(count<SessionRow>([&](ReadTx& tx) { return list_sessions(tx, owner_.person.id); }),
              1u);
  };
  const std::string where = "digest <> " + sql_of(owner_session_.digest);
  expect_each_is_found("sessions", where,
                       {"session_id = " + kOtherId, "person_id = " + sql_of_id(owner_.person.id),
                        "digest = " + kOtherDigest, "created_at = created_at + 1",
                        "expires_at = expires_at + 1", "mac = zeroblob(32)"},
                       "session ", gone);
}

TEST_P(ForgedRows, SessionThatWasPutInIsNotThere) {
  tamper("INSERT INTO sessions SELECT " + kOtherId + ", person_id, " + kOtherDigest +
         ", created_at, last_seen_at, expires_at, address, user_agent, mac FROM sessions WHERE "
         "session_id = " +
         sql_of_id(owner_session_.id));
  EXPECT_FALSE(read<std::optional<SessionRow>>(
      [&](ReadTx& tx) { return find_session_by_digest(tx, other_digest()); }));
  EXPECT_TRUE(read<std::optional<SessionRow>>(
      [&](ReadTx& tx) { return find_session_by_digest(tx, owner_session_.digest); }));
  expect_named("session 00112233-4455-6677-8899-aabbccddeeff: its row was changed");
}

TEST_P(ForgedRows, LinkIsNotThere) {
  const auto gone = [&] {
    for (const Digest& digest : {link_.digest, other_digest()}) {
      EXPECT_FALSE(read<std::optional<LinkRow>>(
          [&](ReadTx& tx) { return find_link_by_digest(tx, digest); }));
    }
    EXPECT_EQ(count<LinkRow>([&](ReadTx& tx) { return list_invitations(tx, organization_.id); }),
              1u);
  };
  expect_each_is_found("links", "email <> 'dora@example.com'",
                       {"link_id = " + kOtherId, "kind = 1", "kind = 3", "digest = " + kOtherDigest,
                        "created_at = created_at + 1", "expires_at = expires_at + 1",
                        "person_id = " + sql_of_id(owner_.person.id),
                        "organization_id = " + sql_of_id(other_organization_.id), "role = 4",
                        "role = NULL", "email = 'eve@example.com'", "mac = zeroblob(32)"},
                       "link ", gone);
}

TEST_P(ForgedRows, LinkThatWasPutInIsNotThere) {
  tamper("INSERT INTO links SELECT " + kOtherId + ", 3, " + kOtherDigest +
         ", created_at, expires_at, " + sql_of_id(owner_.person.id) +
         ", NULL, NULL, '', mac FROM links WHERE email = 'dora@example.com'");
  EXPECT_FALSE(read<std::optional<LinkRow>>(
      [&](ReadTx& tx) { return find_link_by_digest(tx, other_digest()); }));
  expect_named("link 00112233-4455-6677-8899-aabbccddeeff: its row was changed");
}

TEST_P(ForgedRows, OrganizationIsNotThere) {
  const auto gone = [&] {
    EXPECT_FALSE(read<std::optional<core::Organization>>(
        [&](ReadTx& tx) { return find_organization(tx, other_organization_.id); }));
    for (const char* key : {"fabrikam", "evil"}) {
      EXPECT_FALSE(read<std::optional<core::Organization>>(
          [&](ReadTx& tx) { return find_organization_by_key(tx, key); }));
    }
    EXPECT_EQ(count<core::Organization>([](ReadTx& tx) { return list_organizations(tx, "", 10); }),
              1u);
    EXPECT_EQ(visited_organizations(), 1u);
  };
  expect_each_is_found("organizations", "name <> 'contoso'",
                       {"name = 'evil'", "name_key = 'evil'", "name = 'evil', name_key = 'evil'",
                        "state = 2", "deleted_at = 1", "mac = zeroblob(32)"},
                       "organization " + core::format_id(other_organization_.id), gone);
}

TEST_P(ForgedRows, OrganizationThatWasPutInIsNotThere) {
  tamper("INSERT INTO organizations SELECT " + kOtherId +
         ", 'aaa', 'aaa', 1, created_at, NULL, mac FROM organizations WHERE name = 'contoso'");
  const auto first = read<std::vector<core::Organization>>(
      [](ReadTx& tx) { return list_organizations(tx, "", 1); });
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].name, "contoso");
  EXPECT_EQ(visited_organizations(), 2u);
  expect_named("organization 00112233-4455-6677-8899-aabbccddeeff: its row was changed");
}

// What only notes a use leaves the MAC right.
TEST_P(ForgedRows, UseChangesNoMac) {
  ASSERT_OK(store().write_aside([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(touch_sign_in(tx, other_.person.id, Instant{77}));
    return touch_session(tx, session_.id, session_.last_seen_at + std::chrono::minutes(1));
  }));
  ASSERT_OK(audit());
  EXPECT_TRUE(read<std::optional<SessionRow>>(
      [&](ReadTx& tx) { return find_session_by_digest(tx, session_.digest); }));
}

// An older row of ours, put back with its own MAC, is another one than the log tells of.
TEST_P(ForgedRows, RightRowThatTheLogDoesNotTellIsFound) {
  TestStore fresh(GetParam().open);
  const PersonRow person = make_person("ada@example.com");
  core::Membership membership{organization_.id, person.person.id, core::Role::reader, Instant{1}};
  const auto write = [&](core::EventDraft event, const WriteBody& body) {
    ASSERT_OK(fresh.store().write([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(body(tx));
      LK_CHECK(tx.append(event, {}));
      return {};
    }));
  };
  core::EventDraft event;
  event.action = core::Action::organization_created;
  event.subjects = {{core::SubjectKind::organization, organization_.id.uuid}};
  write(event, [&](WriteTx& tx) { return insert_organization(tx, organization_); });
  event.action = core::Action::person_created;
  event.subjects = {{core::SubjectKind::person, person.person.id.uuid}};
  PersonRow first = person;
  first.person.is_operator = true;
  write(event, [&](WriteTx& tx) { return insert_person(tx, first); });
  event.action = core::Action::member_added;
  event.organization = organization_.id;
  event.subjects = {{core::SubjectKind::membership, person.person.id.uuid}};
  event.data = R"({"role":"reader"})";
  write(event, [&](WriteTx& tx) { return upsert_membership(tx, membership); });
  ASSERT_OK(verify_rights(fresh.store()));

  const auto expect_found = [&](const WriteBody& body, const std::string& named) {
    write(draft(), body);
    ASSERT_OK(verify_audit(fresh.store(), {}));  // each MAC is right
    const auto held = verify_rights(fresh.store());
    EXPECT_CODE(held, integrity_violated);
    EXPECT_EQ(held.error().message.find(named), 0u) << held.error().message;
  };
  membership.role = core::Role::owner;
  expect_found([&](WriteTx& tx) { return upsert_membership(tx, membership); }, "membership of");
  membership.role = core::Role::reader;
  write(draft(), [&](WriteTx& tx) { return upsert_membership(tx, membership); });
  ASSERT_OK(verify_rights(fresh.store()));
  core::Organization closed = organization_;
  closed.state = core::OrganizationState::deleted;
  expect_found([&](WriteTx& tx) { return update_organization(tx, closed); }, "organization ");
  expect_found([&](WriteTx& tx) { return update_person(tx, person); }, "person ");
}

}  // namespace
}  // namespace latchkey::store
