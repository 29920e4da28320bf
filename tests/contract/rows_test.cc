// Every row function but those of tokens: what is written is read, and unique rules hold.
#include "contract.h"
#include "store/mail_rows.h"

namespace latchkey::store {
namespace {

using core::OrganizationState;
using core::ProjectState;

class RowsContract : public StoreContract {
 protected:
  core::Project make_project(std::string name) {
    core::Project project;
    project.id = new_id<core::ProjectId>();
    project.organization = organization_.id;
    project.name = std::move(name);
    project.process_template_id = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2";
    project.default_team = new_id<core::TeamId>();
    project.created_at = project.last_update_at = world_.clock().now();
    return project;
  }
  std::vector<std::string> project_names(ProjectQuery query) {
    query.organization = organization_.id;
    std::vector<std::string> names;
    for (const auto& project :
         read<std::vector<core::Project>>([&](ReadTx& tx) { return list_projects(tx, query); })) {
      names.push_back(project.name);
    }
    return names;
  }
  SessionRow make_session(core::PersonId person) {
    const Instant now = world_.clock().now();
    return {new_id<core::SessionId>(),   person,      new_digest(), now, now,
            now + std::chrono::hours(1), "192.0.2.1", "curl"};
  }
};
LATCHKEY_CONTRACT(RowsContract);

using Names = std::vector<std::string>;

TEST_P(RowsContract, PeopleAreReadBackAndUniqueByEmail) {
  PersonRow row = make_person("Ada@Example.com");
  row.password_hash = "$argon2id$x";
  ASSERT_OK(change([&](WriteTx& tx) { return insert_person(tx, row); }));
  const auto outcome =
      change([&](WriteTx& tx) { return insert_person(tx, make_person("ada@example.COM")); });
  EXPECT_CODE(outcome, already_exists);
  EXPECT_EQ(outcome.error().field, "email");
  EXPECT_EQ(outcome.error().message.find("ada"), std::string::npos);

  row.person.display_name = "Ada";
  row.person.state = core::PersonState::disabled;
  row.person.is_operator = true;
  row.password_changed_at = Instant{5};
  ASSERT_OK(change([&](WriteTx& tx) { return update_person(tx, row); }));
  ASSERT_OK(store().write_aside(
      [&](WriteTx& tx) { return touch_sign_in(tx, row.person.id, Instant{77}); }));
  const auto found = read<std::optional<PersonRow>>(
      [](ReadTx& tx) { return find_person_by_email(tx, "ada@example.com"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->person.id, row.person.id);
  EXPECT_EQ(found->person.email, "Ada@Example.com");
  EXPECT_EQ(found->person.display_name, "Ada");
  EXPECT_EQ(found->person.state, core::PersonState::disabled);
  EXPECT_TRUE(found->person.is_operator);
  EXPECT_EQ(found->person.last_sign_in_at, Instant{77});
  EXPECT_EQ(found->password_hash, "$argon2id$x");
  EXPECT_EQ(found->password_changed_at, Instant{5});
  EXPECT_TRUE(
      read<std::optional<PersonRow>>([&](ReadTx& tx) { return find_person(tx, row.person.id); }));
  EXPECT_FALSE(read<std::optional<PersonRow>>(
      [&](ReadTx& tx) { return find_person(tx, core::PersonId{}); }));
}

TEST_P(RowsContract, PeopleArePagedByEmail) {
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    for (const char* email : {"c@x.org", "A@x.org", "b@x.org"}) {
      LK_CHECK(insert_person(tx, make_person(email)));
    }
    return {};
  }));
  const auto page = [&](std::string_view after) {
    Names emails;
    for (const auto& row :
         read<std::vector<PersonRow>>([&](ReadTx& tx) { return list_people(tx, after, 2); })) {
      emails.push_back(row.person.email);
    }
    return emails;
  };
  EXPECT_EQ(page(""), (Names{"A@x.org", "b@x.org"}));
  EXPECT_EQ(page("b@x.org"), (Names{"c@x.org"}));
  EXPECT_EQ(person_count(), 3u);
  int visited = 0;
  ASSERT_OK(store().read([&](ReadTx& tx) {
    return for_each_person(tx, [&](const core::Person&) -> Result<void> {
      ++visited;
      return {};
    });
  }));
  EXPECT_EQ(visited, 3);
}

TEST_P(RowsContract, MembershipsAreInsertedChangedListedAndDeleted) {
  add_owner();
  const PersonRow other = make_person("a@x.org");
  const core::Membership owner{organization_.id, owner_.person.id, core::Role::owner, Instant{1}};
  core::Membership member{organization_.id, other.person.id, core::Role::owner, Instant{2}};
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_person(tx, other));
    LK_CHECK(upsert_membership(tx, owner));
    return upsert_membership(tx, member);
  }));
  const auto owners = [&] {
    return read<uint64_t>([&](ReadTx& tx) { return count_owners(tx, organization_.id); });
  };
  EXPECT_EQ(owners(), 2u);
  member.role = core::Role::reader;
  member.created_at = Instant{9};  // the first date stays
  ASSERT_OK(change([&](WriteTx& tx) { return upsert_membership(tx, member); }));
  EXPECT_EQ(owners(), 1u);
  const auto found = read<std::optional<core::Membership>>(
      [&](ReadTx& tx) { return find_membership(tx, organization_.id, other.person.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->role, core::Role::reader);
  EXPECT_EQ(found->created_at, Instant{2});

  const auto members = read<std::vector<MemberRow>>(
      [&](ReadTx& tx) { return list_members(tx, organization_.id, "", 10); });
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].person.email, "a@x.org");
  EXPECT_EQ(members[0].membership.role, core::Role::reader);
  EXPECT_EQ(members[1].person.email, "owner@example.com");
  EXPECT_EQ(read<std::vector<MemberRow>>([&](ReadTx& tx) {
              return list_members(tx, organization_.id, "a@x.org", 10);
            }).size(),
            1u);

  PersonRow disabled = owner_;
  disabled.person.state = core::PersonState::disabled;
  ASSERT_OK(change([&](WriteTx& tx) { return update_person(tx, disabled); }));
  EXPECT_EQ(owners(), 0u);

  ASSERT_OK(change(
      [&](WriteTx& tx) { return delete_membership(tx, organization_.id, other.person.id); }));
  EXPECT_TRUE(read<std::vector<core::Membership>>([&](ReadTx& tx) {
                return list_memberships_of(tx, other.person.id);
              }).empty());
  int visited = 0;
  ASSERT_OK(store().read([&](ReadTx& tx) {
    return for_each_membership(tx, [&](const core::Membership&) -> Result<void> {
      ++visited;
      return {};
    });
  }));
  EXPECT_EQ(visited, 1);
}

TEST_P(RowsContract, SessionsAreFoundByDigestTouchedAndEnded) {
  add_owner();
  const core::PersonId person = owner_.person.id;
  const SessionRow first = make_session(person);
  SessionRow second = make_session(person);
  SessionRow third = make_session(person);
  third.expires_at = Instant{10};
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    for (const SessionRow& row : {first, second, third}) LK_CHECK(insert_session(tx, row));
    return {};
  }));
  const auto count = [&] {
    return read<std::vector<SessionRow>>([&](ReadTx& tx) { return list_sessions(tx, person); })
        .size();
  };
  const auto newer = first.last_seen_at + Milliseconds(5);
  ASSERT_OK(store().write_aside([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(touch_session(tx, first.id, newer));
    return touch_session(tx, first.id, Instant{1});  // older: ignored
  }));
  const auto found = read<std::optional<SessionRow>>(
      [&](ReadTx& tx) { return find_session_by_digest(tx, first.digest); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, first.id);
  EXPECT_EQ(found->person, person);
  EXPECT_EQ(found->last_seen_at, newer);
  EXPECT_EQ(found->expires_at, first.expires_at);
  EXPECT_EQ(found->address, "192.0.2.1");
  EXPECT_EQ(found->user_agent, "curl");
  EXPECT_EQ(count(), 3u);
  ASSERT_OK(store().write_aside(
      [](WriteTx& tx) { return delete_sessions_expired_before(tx, Instant{11}); }));
  EXPECT_EQ(count(), 2u);
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_TRY(const bool others, delete_session(tx, new_id<core::PersonId>(), second.id));
    EXPECT_FALSE(others);
    LK_CHECK(delete_sessions(tx, person, first.id));
    return {};
  }));
  EXPECT_EQ(count(), 1u);
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_TRY(const bool own, delete_session(tx, person, first.id));
    EXPECT_TRUE(own);
    LK_CHECK(insert_session(tx, second));
    return delete_sessions(tx, person, std::nullopt);
  }));
  EXPECT_EQ(count(), 0u);
}

TEST_P(RowsContract, LinksAreFoundByDigestListedAndDeletedByKind) {
  add_owner();
  LinkRow invitation{
      new_id<core::LinkId>(), LinkKind::invitation, new_digest(),       Instant{1}, Instant{2},
      std::nullopt,           organization_.id,     core::Role::member, "n@x.org"};
  LinkRow reset{new_id<core::LinkId>(),
                LinkKind::password_reset,
                new_digest(),
                Instant{1},
                Instant{2},
                owner_.person.id,
                std::nullopt,
                std::nullopt,
                ""};
  LinkRow setup{new_id<core::LinkId>(), LinkKind::setup, new_digest(), Instant{1}, Instant{2},
                std::nullopt,           std::nullopt,    std::nullopt, ""};
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    for (const LinkRow& row : {invitation, reset, setup}) LK_CHECK(insert_link(tx, row));
    return {};
  }));
  const auto found = [&](const LinkRow& row) {
    return read<std::optional<LinkRow>>(
        [&](ReadTx& tx) { return find_link_by_digest(tx, row.digest); });
  };
  const auto invited = found(invitation);
  ASSERT_TRUE(invited);
  EXPECT_EQ(invited->kind, LinkKind::invitation);
  EXPECT_EQ(invited->organization, organization_.id);
  EXPECT_EQ(invited->role, core::Role::member);
  EXPECT_EQ(invited->email, "n@x.org");
  EXPECT_FALSE(invited->person);
  EXPECT_EQ(found(reset)->person, owner_.person.id);
  EXPECT_FALSE(found(setup)->role);
  EXPECT_EQ(read<std::vector<LinkRow>>([&](ReadTx& tx) {
              return list_invitations(tx, organization_.id);
            }).size(),
            1u);
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(delete_links(tx, LinkKind::password_reset, new_id<core::PersonId>()));
    LK_CHECK(delete_links(tx, LinkKind::setup, std::nullopt));
    LK_TRY(const bool was_there, delete_link(tx, invitation.id));
    EXPECT_TRUE(was_there);
    LK_TRY(const bool again, delete_link(tx, invitation.id));
    EXPECT_FALSE(again);
    return {};
  }));
  EXPECT_FALSE(found(invitation));
  EXPECT_FALSE(found(setup));
  EXPECT_TRUE(found(reset));
  ASSERT_OK(change(
      [&](WriteTx& tx) { return delete_links(tx, LinkKind::password_reset, owner_.person.id); }));
  EXPECT_FALSE(found(reset));
}

TEST_P(RowsContract, OrganizationNamesAreUniqueAmongTheActive) {
  core::Organization first = make_organization("Contoso");
  ASSERT_OK(change([&](WriteTx& tx) { return insert_organization(tx, first); }));
  const core::Organization second = make_organization("CONTOSO");
  const auto taken = change([&](WriteTx& tx) { return insert_organization(tx, second); });
  EXPECT_CODE(taken, already_exists);
  EXPECT_EQ(taken.error().field, "name");
  first.state = OrganizationState::deleted;
  first.deleted_at = Instant{3};
  ASSERT_OK(change([&](WriteTx& tx) { return update_organization(tx, first); }));
  ASSERT_OK(change([&](WriteTx& tx) { return insert_organization(tx, second); }));
  first.state = OrganizationState::active;
  EXPECT_CODE(change([&](WriteTx& tx) { return update_organization(tx, first); }), already_exists);

  const auto by_key = read<std::optional<core::Organization>>(
      [](ReadTx& tx) { return find_organization_by_key(tx, "contoso"); });
  ASSERT_TRUE(by_key);
  EXPECT_EQ(by_key->id, second.id);
  const auto by_id = read<std::optional<core::Organization>>(
      [&](ReadTx& tx) { return find_organization(tx, first.id); });
  ASSERT_TRUE(by_id);
  EXPECT_EQ(by_id->state, OrganizationState::deleted);
  EXPECT_EQ(by_id->deleted_at, Instant{3});
  EXPECT_EQ(by_id->name, "Contoso");
  ASSERT_OK(change([&](WriteTx& tx) { return insert_organization(tx, make_organization("a1")); }));
  const auto page = read<std::vector<core::Organization>>(
      [](ReadTx& tx) { return list_organizations(tx, "a1", 10); });
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].name, "CONTOSO");
  int visited = 0;
  ASSERT_OK(store().read([&](ReadTx& tx) {
    return for_each_organization(tx, [&](const core::Organization&) -> Result<void> {
      ++visited;
      return {};
    });
  }));
  EXPECT_EQ(visited, 3);
}

TEST_P(RowsContract, ProjectsAreReadBackAndUniqueAmongTheNotDeleted) {
  add_owner();
  core::Project project = make_project("Fabrikam");
  project.abbreviation = "fab";
  project.description = "A description";
  project.visibility = core::ProjectVisibility::public_project;
  project.source_control = core::SourceControl::tfvc;
  project.revision = 12;
  ASSERT_OK(change([&](WriteTx& tx) { return insert_project(tx, project); }));
  const auto taken =
      change([&](WriteTx& tx) { return insert_project(tx, make_project("fabrikam")); });
  EXPECT_CODE(taken, already_exists);
  EXPECT_EQ(taken.error().field, "name");
  const auto found = read<std::optional<core::Project>>(
      [&](ReadTx& tx) { return find_project_by_key(tx, organization_.id, "fabrikam"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, project.id);
  EXPECT_EQ(found->abbreviation, "fab");
  EXPECT_EQ(found->description, "A description");
  EXPECT_EQ(found->visibility, core::ProjectVisibility::public_project);
  EXPECT_EQ(found->source_control, core::SourceControl::tfvc);
  EXPECT_EQ(found->process_template_id, project.process_template_id);
  EXPECT_EQ(found->default_team, project.default_team);
  EXPECT_EQ(found->revision, 12u);
  project.state = ProjectState::deleted;
  project.deleted_at = Instant{4};
  ASSERT_OK(change([&](WriteTx& tx) { return update_project(tx, project); }));
  EXPECT_FALSE(read<std::optional<core::Project>>(
      [&](ReadTx& tx) { return find_project_by_key(tx, organization_.id, "fabrikam"); }));
  ASSERT_OK(change([&](WriteTx& tx) { return insert_project(tx, make_project("FABRIKAM")); }));
  const auto by_id =
      read<std::optional<core::Project>>([&](ReadTx& tx) { return find_project(tx, project.id); });
  ASSERT_TRUE(by_id);
  EXPECT_EQ(by_id->deleted_at, Instant{4});
}

TEST_P(RowsContract, ProjectsAreListedByNameStateAndVisibility) {
  add_owner();
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    for (const char* name : {"delta", "Alpha", "charlie", "Bravo"}) {
      core::Project project = make_project(name);
      if (project.name == "charlie") project.state = ProjectState::deleted;
      if (project.name == "delta") project.visibility = core::ProjectVisibility::public_project;
      LK_CHECK(insert_project(tx, project));
    }
    return {};
  }));
  EXPECT_EQ(project_names({}), (Names{"Alpha", "Bravo", "charlie", "delta"}));
  ProjectQuery query;
  query.states = {ProjectState::well_formed, ProjectState::new_project};
  EXPECT_EQ(project_names(query), (Names{"Alpha", "Bravo", "delta"}));
  query.limit = 1;
  query.skip = 1;
  EXPECT_EQ(project_names(query), (Names{"Bravo"}));
  ProjectQuery open;
  open.public_only = true;
  EXPECT_EQ(project_names(open), (Names{"delta"}));
}

TEST_P(RowsContract, PropertiesArePutReplacedAndDeleted) {
  add_owner();
  const core::Project project = make_project("p");
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_project(tx, project));
    LK_CHECK(put_project_property(tx, project.id, {"b", "1"}));
    LK_CHECK(put_project_property(tx, project.id, {"a", "\"x\""}));
    LK_CHECK(put_project_property(tx, project.id, {"b", "2"}));
    LK_CHECK(put_project_property(tx, project.id, {"c", "3"}));
    return delete_project_property(tx, project.id, "c");
  }));
  const auto properties = read<std::vector<ProjectProperty>>(
      [&](ReadTx& tx) { return list_project_properties(tx, project.id); });
  ASSERT_EQ(properties.size(), 2u);
  EXPECT_EQ(properties[0].name, "a");
  EXPECT_EQ(properties[0].value_json, "\"x\"");
  EXPECT_EQ(properties[1].value_json, "2");
}

TEST_P(RowsContract, OperationsAreReadBackAndForgotten) {
  add_owner();
  const OperationRow row{new_id<core::OperationId>(),
                         organization_.id,
                         owner_.person.id,
                         "succeeded",
                         "done",
                         Instant{100}};
  ASSERT_OK(change([&](WriteTx& tx) { return insert_operation(tx, row); }));
  const auto find = [&] {
    return read<std::optional<OperationRow>>(
        [&](ReadTx& tx) { return find_operation(tx, row.id); });
  };
  ASSERT_TRUE(find());
  EXPECT_EQ(find()->status, "succeeded");
  EXPECT_EQ(find()->result_message, "done");
  EXPECT_EQ(find()->person, owner_.person.id);
  for (const auto& [before, there] : {std::pair(Instant{100}, true), {Instant{101}, false}}) {
    ASSERT_OK(store().write_aside([&, instant = before](WriteTx& tx) {
      return delete_operations_created_before(tx, instant);
    }));
    EXPECT_EQ(find().has_value(), there);
  }
}

TEST_P(RowsContract, MailsAreUniqueByEventAndPersonAndDueInOrder) {
  const auto person = new_id<core::PersonId>();
  MailRow mail{
      new_id<core::MailId>(), person, {7},         "a@x.org", "Subject", "Body", Instant{1},
      std::nullopt,           0,      Instant{50}, ""};
  MailRow later = mail;
  later.id = new_id<core::MailId>();
  later.revision = {8};
  later.created_at = Instant{2};
  later.next_attempt_at = Instant{40};
  MailRow twice = mail;
  twice.id = new_id<core::MailId>();
  ASSERT_OK(store().write_aside([&](WriteTx& tx) -> Result<void> {
    LK_TRY(const bool first, insert_mail(tx, mail));
    LK_TRY(const bool second, insert_mail(tx, later));
    LK_TRY(const bool again, insert_mail(tx, twice));
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(again);
    return {};
  }));
  const auto due = [&](Instant now, int limit) {
    std::vector<uint64_t> revisions;
    for (const auto& row :
         read<std::vector<MailRow>>([&](ReadTx& tx) { return list_due_mails(tx, now, limit); })) {
      revisions.push_back(row.revision.number);
    }
    return revisions;
  };
  EXPECT_EQ(due(Instant{39}, 9), std::vector<uint64_t>());
  EXPECT_EQ(due(Instant{50}, 9), (std::vector<uint64_t>{8, 7}));
  EXPECT_EQ(due(Instant{50}, 1), (std::vector<uint64_t>{8}));
  mail.sent_at = Instant{60};
  mail.attempts = 2;
  mail.last_error = "421";
  ASSERT_OK(store().write_aside([&](WriteTx& tx) { return update_mail(tx, mail); }));
  EXPECT_EQ(due(Instant{99}, 9), (std::vector<uint64_t>{8}));
  const auto mails =
      read<std::vector<MailRow>>([&](ReadTx& tx) { return list_mails_of(tx, person, 9); });
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0].revision.number, 8u);
  EXPECT_EQ(mails[1].sent_at, Instant{60});
  EXPECT_EQ(mails[1].attempts, 2);
  EXPECT_EQ(mails[1].last_error, "421");
  EXPECT_EQ(mails[1].recipient, "a@x.org");
  EXPECT_EQ(mails[1].body, "Body");
}

TEST_P(RowsContract, CursorsStartAtNothingAndMove) {
  const auto cursor = [&] {
    return read<core::Revision>([](ReadTx& tx) { return load_cursor(tx, "mail"); }).number;
  };
  EXPECT_EQ(cursor(), 0u);
  for (const uint64_t number : {5u, 9u}) {
    ASSERT_OK(store().write_aside([&](WriteTx& tx) { return save_cursor(tx, "mail", {number}); }));
    EXPECT_EQ(cursor(), number);
  }
}

}  // namespace
}  // namespace latchkey::store
