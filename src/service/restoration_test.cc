#include "service/restoration.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "service/clients.h"
#include "service/identity_for_test.h"
#include "service/tokens.h"

namespace latchkey::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Two organizations with an owner each, and members with a token each; then a backup.
class RestorationTest : public IdentityTest {
 protected:
  core::Token make_token(const Actor& owner) {
    const core::CreateToken request{
        .display_name = "build", .scope = "vso.project", .valid_to = std::nullopt};
    return must(Tokens(world_.dependencies()).create(owner, organization_, request)).value.token;
  }
  Actor add_member(const std::string& name, core::Role role) {
    const auto person = add_person(name);
    world_.set_role(organization_, person, role);
    return ActorForTests::session(person);
  }
  void happen(core::Action action, core::SubjectKind kind, Uuid subject, std::string data = "{}") {
    core::Event event;
    event.revision = {++revision_};
    event.draft = {.action = action,
                   .organization = organization_,
                   .actor = std::nullopt,
                   .subjects = {{kind, subject}},
                   .data = std::move(data)};
    World::check(since_.add(event));
  }
  Result<RestorationReport> restore(SinceBackup choice) {
    return restore_state({world_.store(), world_.entropy}, choice, since_);
  }
  core::TokenState state_of(core::TokenId id) {
    core::TokenState state{};
    World::check(world_.store().read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(const auto row, store::find_token(tx, id));
      state = row->token.state;
      return {};
    }));
    return state;
  }
  // The log and all rows are as they should be.
  void verify() { EXPECT_TRUE(store::verify_audit(world_.store(), {})); }

  const core::OrganizationId organization_ = world_.add_organization("Fabrikam");
  const Actor ada_ = add_member("ada", core::Role::owner);
  const Actor bob_ = add_member("bob", core::Role::member);
  const core::Token of_ada_ = make_token(ada_);
  const core::Token of_bob_ = make_token(bob_);
  ChangesSince since_;
  uint64_t revision_ = 0;
};

TEST_F(RestorationTest, BeginsAnEpochAndEndsSessionsAndLinks) {
  const auto session = must(sign_in("ada"));
  must(identity_.issue_reset_link(ActorForTests::console(), *bob_.person()));
  const store::LogHead backup = world_.store().head();
  const auto report = must(restore(SinceBackup::keep));
  EXPECT_NE(report.epoch, backup.epoch);
  EXPECT_EQ(world_.store().head().epoch, report.epoch);
  EXPECT_FALSE(is_live(session.text));
  World::check(world_.store().read([](store::ReadTx& tx) -> Result<void> {
    for (const char* sql : {"SELECT COUNT(*) FROM sessions", "SELECT COUNT(*) FROM links"}) {
      LK_CHECK(tx.connection().run(sql, {}, [](const store::Row& row) -> Result<void> {
        EXPECT_EQ(row.integer(0), 0);
        return {};
      }));
    }
    return {};
  }));
  const auto events = world_.events_after(backup.revision);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::store_restored);
  const auto data = must(parse_json(events[0].draft.data));
  EXPECT_EQ(data.at("backupEpoch").as_string(), core::format_id(backup.epoch));
  EXPECT_EQ(data.at("backupRevision").to_number<uint64_t>(), backup.revision.number);
  EXPECT_EQ(data.at("sinceBackup").as_string(), "keep");
  verify();
}

TEST_F(RestorationTest, KeepLeavesTokensAndPeopleAsTheyWere) {
  happen(core::Action::token_revoked, core::SubjectKind::token, of_ada_.id.uuid);
  happen(core::Action::person_disabled, core::SubjectKind::person, bob_.person()->uuid);
  const auto report = must(restore(SinceBackup::keep));
  EXPECT_THAT(report.tokens_revoked, IsEmpty());
  EXPECT_EQ(state_of(of_ada_.id), core::TokenState::live);
  EXPECT_TRUE(sign_in("bob"));
}

TEST_F(RestorationTest, RevokesWhatWasDoneToATokenItself) {
  using enum core::Action;
  for (const core::Action action : {token_revoked, token_regenerated, token_updated}) {
    const core::Token token = make_token(ada_);
    happen(action, core::SubjectKind::token, token.id.uuid);
    EXPECT_THAT(must(restore(SinceBackup::revoke_changed)).tokens_revoked, ElementsAre(token.id));
    EXPECT_EQ(state_of(token.id), core::TokenState::revoked);
    EXPECT_EQ(state_of(of_ada_.id), core::TokenState::live);
  }
  verify();
}

TEST_F(RestorationTest, RevokesWhatWasDoneToAnOwner) {
  happen(core::Action::person_disabled, core::SubjectKind::person, bob_.person()->uuid);
  const auto report = must(restore(SinceBackup::revoke_changed));
  EXPECT_THAT(report.tokens_revoked, ElementsAre(of_bob_.id));
  EXPECT_THAT(report.people_disabled, ElementsAre(*bob_.person()));
  EXPECT_FALSE(sign_in("bob"));
  EXPECT_TRUE(sign_in("ada"));
  verify();
}

TEST_F(RestorationTest, WhoIsDisabledInTheBackupStaysSo) {
  world_.set_person_state(*bob_.person(), core::PersonState::disabled);
  happen(core::Action::person_enabled, core::SubjectKind::person, bob_.person()->uuid);
  happen(core::Action::person_disabled, core::SubjectKind::person, bob_.person()->uuid);
  EXPECT_THAT(must(restore(SinceBackup::revoke_changed)).people_disabled, IsEmpty());
  EXPECT_FALSE(sign_in("bob"));
}

TEST_F(RestorationTest, WhoWasEnabledAgainIsNotDisabledButTheTokensEnd) {
  happen(core::Action::person_disabled, core::SubjectKind::person, bob_.person()->uuid);
  happen(core::Action::person_enabled, core::SubjectKind::person, bob_.person()->uuid);
  const auto report = must(restore(SinceBackup::revoke_changed));
  EXPECT_THAT(report.tokens_revoked, ElementsAre(of_bob_.id));
  EXPECT_THAT(report.people_disabled, IsEmpty());
}

TEST_F(RestorationTest, MembershipsAndRolesAreWhatTheyWereLast) {
  const Actor carol = add_member("carol", core::Role::administrator);
  const core::Token of_carol = make_token(carol);
  happen(core::Action::member_removed, core::SubjectKind::membership, bob_.person()->uuid);
  happen(core::Action::member_role_changed, core::SubjectKind::membership, carol.person()->uuid,
         R"({"role":"reader"})");
  const auto report = must(restore(SinceBackup::revoke_changed));
  EXPECT_THAT(report.tokens_revoked, UnorderedElementsAre(of_bob_.id, of_carol.id));
  EXPECT_EQ(role_of(organization_, *bob_.person()), std::nullopt);
  EXPECT_EQ(role_of(organization_, *carol.person()), core::Role::reader);
  EXPECT_THAT(report.without_owner, IsEmpty());
  verify();
}

TEST_F(RestorationTest, AMembershipThatBeganSinceIsNotMade) {
  const auto dave = add_person("dave");
  happen(core::Action::member_added, core::SubjectKind::membership, dave.uuid,
         R"({"role":"owner"})");
  happen(core::Action::member_role_changed, core::SubjectKind::membership, dave.uuid,
         R"({"role":"reader"})");
  must(restore(SinceBackup::revoke_changed));
  EXPECT_EQ(role_of(organization_, dave), std::nullopt);
}

TEST_F(RestorationTest, SaysWhichOrganizationNobodyOwns) {
  happen(core::Action::member_removed, core::SubjectKind::membership, ada_.person()->uuid);
  EXPECT_THAT(must(restore(SinceBackup::revoke_changed)).without_owner, ElementsAre(organization_));
}

TEST_F(RestorationTest, AnOrganizationThatWasDeletedIsDeletedAgain) {
  happen(core::Action::organization_deleted, core::SubjectKind::organization, organization_.uuid);
  const auto report = must(restore(SinceBackup::revoke_changed));
  EXPECT_THAT(report.tokens_revoked, UnorderedElementsAre(of_ada_.id, of_bob_.id));
  EXPECT_THAT(report.organizations_deleted, ElementsAre(organization_));
  verify();
}

TEST_F(RestorationTest, APasswordThatWasReplacedLetsNobodyIn) {
  happen(core::Action::person_password_changed, core::SubjectKind::person, bob_.person()->uuid);
  const auto report = must(restore(SinceBackup::revoke_changed));
  EXPECT_THAT(report.passwords_removed, ElementsAre(*bob_.person()));
  EXPECT_THAT(report.tokens_revoked, IsEmpty());
  EXPECT_FALSE(sign_in("bob"));
  EXPECT_FALSE(sign_in("bob", ""));
  EXPECT_TRUE(sign_in("ada"));
}

TEST_F(RestorationTest, WithoutALogEveryTokenAndPasswordEnds) {
  std::vector<core::TokenId> all{of_ada_.id, of_bob_.id};
  for (int i = 0; i < 300; ++i) all.push_back(make_token(ada_).id);  // more than one page
  const auto report = must(restore(SinceBackup::revoke_all));
  EXPECT_THAT(report.tokens_revoked, testing::UnorderedElementsAreArray(all));
  EXPECT_FALSE(sign_in("ada"));
  EXPECT_FALSE(sign_in("bob"));
  EXPECT_EQ(must(restore(SinceBackup::revoke_all)).tokens_revoked.size(), 0u);
  verify();
}

TEST_F(RestorationTest, AnEventThatDoesNotSayWhatItIsAboutEndsIt) {
  core::Event event;
  event.draft.action = core::Action::token_revoked;
  EXPECT_EQ(since_.add(event).error().code, ErrorCode::integrity_violated);
  event.draft.action = core::Action::member_role_changed;
  event.draft.subjects = {{core::SubjectKind::membership, bob_.person()->uuid}};
  event.draft.data = R"({"role":"king"})";
  EXPECT_EQ(since_.add(event).error().code, ErrorCode::integrity_violated);
}

TEST_F(RestorationTest, AClientThatWasRemovedSinceIsRemovedAgain) {
  Clients clients(world_.dependencies());
  const auto add = [&](const std::string& name) {
    NewClient request{name, {}, {}};
    request.may.add(core::ClientPermission::feed);
    return must(clients.add(ActorForTests::console(), request)).value.client.id;
  };
  const core::ClientId removed = add("removed");
  const core::ClientId kept = add("kept");
  happen(core::Action::client_removed, core::SubjectKind::client, removed.uuid);
  EXPECT_THAT(must(restore(SinceBackup::keep)).clients_removed, IsEmpty());
  EXPECT_THAT(must(restore(SinceBackup::revoke_changed)).clients_removed, ElementsAre(removed));
  EXPECT_THAT(must(restore(SinceBackup::revoke_all)).clients_removed, ElementsAre(kept));
  verify();
}

}  // namespace
}  // namespace latchkey::service
