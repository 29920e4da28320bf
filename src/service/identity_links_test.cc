// Invitations, disabling, and what is left when the store fails half-way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/identity_for_test.h"
#include "service/organizations.h"

namespace latchkey::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InvitationTest : public IdentityTest {
 protected:
  InvitationTest() {
    organization_ = world_.add_organization("fabrikam");
    world_.set_role(organization_, owner_, core::Role::owner);
    world_.set_role(organization_, administrator_, core::Role::administrator);
  }
  Result<IssuedLink> invite(core::PersonId by, const std::string& email, core::Role role) {
    return identity_.invite(ActorForTests::session(by), organization_, email, role);
  }
  Result<Changed<IssuedSession>> accept(const SecretText& code, std::string_view password) {
    return identity_.accept_invitation(
        {.code = code.clone(), .display_name = "Grace Hopper", .password = SecretText(password)},
        kHome);
  }
  core::PersonId owner_ = add_person("owner");
  core::PersonId administrator_ = add_person("administrator");
  core::OrganizationId organization_;
};

TEST_F(InvitationTest, MakesANewPersonAMemberOnce) {
  const auto link = must(invite(administrator_, "Grace@example.org", core::Role::member));
  const auto info = must(identity_.inspect_link(link.code, kHome));
  EXPECT_EQ(info.kind, store::LinkKind::invitation);
  EXPECT_EQ(info.email, "Grace@example.org");
  EXPECT_EQ(info.organization, "fabrikam");
  EXPECT_FALSE(info.person_exists);
  const auto before = head();
  EXPECT_EQ(accept(link.code, "short").error().field, "password");
  EXPECT_EQ(identity_.accept_invitation({link.code.clone(), "", SecretText(kPassword)}, kHome)
                .error()
                .field,
            "displayName");
  EXPECT_EQ(head(), before);
  const auto joined = must(accept(link.code, kPassword));
  EXPECT_THAT(actions_after(before),
              ElementsAre("Person.CreateEvent", "Member.AddEvent", "Person.SignInEvent"));
  EXPECT_FALSE(joined.value.person.is_operator);
  EXPECT_EQ(joined.value.person.display_name, "Grace Hopper");
  EXPECT_EQ(role_of(organization_, joined.value.person.id), core::Role::member);
  EXPECT_TRUE(is_live(joined.value.text));
  EXPECT_TRUE(sign_in("grace"));
  EXPECT_EQ(accept(link.code, kPassword).error().code, ErrorCode::link_unknown);
  EXPECT_EQ(invite(owner_, "grace@EXAMPLE.org", core::Role::member).error().code,
            ErrorCode::conflict);
}

TEST_F(InvitationTest, AddsAKnownPersonByTheirOwnPasswordOnly) {
  const auto ada = add_person("ada");
  const auto link = must(invite(owner_, "ada@example.org", core::Role::administrator));
  EXPECT_TRUE(must(identity_.inspect_link(link.code, kHome)).person_exists);
  EXPECT_EQ(accept(link.code, "somebody else's password").error().code, ErrorCode::sign_in_refused);
  EXPECT_EQ(role_of(organization_, ada), std::nullopt);
  const auto before = head();
  const auto joined = must(accept(link.code, kPassword));
  EXPECT_EQ(joined.value.person.id, ada);
  EXPECT_EQ(joined.value.person.display_name, "ada") << "a link does not rename";
  EXPECT_EQ(role_of(organization_, ada), core::Role::administrator);
  EXPECT_THAT(actions_after(before), ElementsAre("Member.AddEvent", "Person.SignInEvent"));
}

TEST_F(InvitationTest, ADisabledPersonDoesNotJoin) {
  const auto ada = add_person("ada");
  const auto link = must(invite(owner_, "ada@example.org", core::Role::member));
  world_.set_person_state(ada, core::PersonState::disabled);
  EXPECT_EQ(accept(link.code, kPassword).error().code, ErrorCode::sign_in_refused);
}

TEST_F(InvitationTest, NobodyGivesARoleAboveTheirOwn) {
  EXPECT_EQ(invite(administrator_, "x@example.org", core::Role::owner).error().code,
            ErrorCode::permission_denied);
  EXPECT_TRUE(invite(administrator_, "x@example.org", core::Role::administrator));
  EXPECT_TRUE(invite(owner_, "y@example.org", core::Role::owner));
  const auto member = add_person("member");
  EXPECT_EQ(invite(member, "z@example.org", core::Role::reader).error().code,
            ErrorCode::organization_unknown);
  world_.set_role(organization_, member, core::Role::member);
  EXPECT_EQ(invite(member, "z@example.org", core::Role::reader).error().code,
            ErrorCode::permission_denied);
}

TEST_F(InvitationTest, ATokenInvitesNobody) {
  const auto token = ActorForTests::token({owner_, {}, organization_, core::ScopeSet::all()});
  EXPECT_EQ(identity_.invite(token, organization_, "x@example.org", core::Role::owner).error().code,
            ErrorCode::credential_kind_refused);
}

TEST_F(InvitationTest, IsListedReplacedWithdrawnAndOverInTime) {
  const auto actor = ActorForTests::session(administrator_);
  const auto first = must(invite(administrator_, "x@example.org", core::Role::reader));
  const auto second = must(invite(administrator_, "X@example.org", core::Role::member));
  const auto other = must(invite(administrator_, "y@example.org", core::Role::member));
  EXPECT_EQ(accept(first.code, kPassword).error().code, ErrorCode::link_unknown);
  EXPECT_EQ(must(identity_.invitations(actor, organization_)).size(), 2u);
  const auto elsewhere = world_.add_organization("contoso");
  world_.set_role(elsewhere, administrator_, core::Role::owner);
  EXPECT_EQ(identity_.withdraw_invitation(actor, elsewhere, second.link.id).error().code,
            ErrorCode::link_unknown);
  ASSERT_TRUE(identity_.withdraw_invitation(actor, organization_, second.link.id));
  EXPECT_EQ(accept(second.code, kPassword).error().code, ErrorCode::link_unknown);
  world_.clock.advance(std::chrono::days(7));
  EXPECT_TRUE(must(identity_.invitations(actor, organization_)).empty());
  EXPECT_EQ(accept(other.code, kPassword).error().code, ErrorCode::link_unknown);
}

TEST_F(InvitationTest, EndsWithTheRightOfWhoMadeIt) {
  const auto second = add_person("second");
  world_.set_role(organization_, second, core::Role::owner);
  const auto member = must(invite(administrator_, "m@example.org", core::Role::member));
  const auto owner = must(invite(second, "o@example.org", core::Role::owner));
  const auto by_console = must(identity_.invite(ActorForTests::console(), organization_,
                                                "c@example.org", core::Role::owner));
  const auto open = [&](const IssuedLink& link) {
    const bool shown = identity_.inspect_link(link.code, kHome).has_value();
    const auto list = must(identity_.invitations(ActorForTests::session(owner_), organization_));
    const bool listed = std::any_of(list.begin(), list.end(), [&](const store::LinkRow& row) {
      return row.id == link.link.id;
    });
    EXPECT_EQ(shown, listed);
    return shown;
  };
  EXPECT_TRUE(open(member) && open(owner) && open(by_console));
  world_.set_role(organization_, administrator_, core::Role::member);
  world_.set_role(organization_, second, core::Role::administrator);
  EXPECT_FALSE(open(member)) << "a member invites nobody";
  EXPECT_FALSE(open(owner)) << "an administrator makes no owner";
  EXPECT_EQ(accept(member.code, kPassword).error().code, ErrorCode::link_unknown);
  EXPECT_EQ(accept(owner.code, kPassword).error().code, ErrorCode::link_unknown);
  world_.set_role(organization_, administrator_, core::Role::administrator);
  EXPECT_TRUE(open(member));
  world_.set_person_state(administrator_, core::PersonState::disabled);
  EXPECT_FALSE(open(member));
  world_.set_person_state(administrator_, core::PersonState::active);
  world_.remove_member(organization_, administrator_);
  EXPECT_EQ(accept(member.code, kPassword).error().code, ErrorCode::link_unknown);
  EXPECT_TRUE(accept(by_console.code, kPassword));
}

TEST_F(InvitationTest, EndsWithItsOrganization) {
  const auto link = must(invite(owner_, "x@example.org", core::Role::reader));
  world_.delete_organization(organization_);
  EXPECT_EQ(accept(link.code, kPassword).error().code, ErrorCode::link_unknown);
  EXPECT_EQ(identity_.inspect_link(link.code, kHome).error().code, ErrorCode::link_unknown);
}

class DisableTest : public IdentityTest {
 protected:
  core::PersonId operator_ = add_person("operator", true);
  Actor actor_ = ActorForTests::session(operator_);
};

TEST_F(DisableTest, EndsSessionsAndSignInsUntilEnabled) {
  const auto ada = add_person("ada");
  const auto session = must(sign_in("ada"));
  const auto reset = must(identity_.issue_reset_link(actor_, ada));
  const auto before = head();
  const auto revision = must(identity_.set_disabled(actor_, ada, true));
  EXPECT_EQ(revision, head());
  EXPECT_THAT(actions_after(before), ElementsAre("Person.DisableEvent", "Session.EndEvent"));
  EXPECT_FALSE(is_live(session.text));
  EXPECT_FALSE(sign_in("ada"));
  EXPECT_FALSE(identity_.inspect_link(reset.code, kHome));
  const auto disabled = head();
  EXPECT_EQ(must(identity_.set_disabled(actor_, ada, true)), disabled) << "no second event";
  must(identity_.set_disabled(actor_, ada, false));
  EXPECT_FALSE(is_live(session.text)) << "an ended session does not come back";
  EXPECT_TRUE(sign_in("ada"));
}

TEST_F(DisableTest, ASessionProvedBeforeChangesNothingAfter) {
  const auto ada = add_person("ada");
  const auto actor = signed_in("ada");
  must(identity_.set_disabled(actor_, ada, true));
  EXPECT_EQ(identity_.me(actor).error().code, ErrorCode::session_unknown);
  EXPECT_EQ(identity_.change_display_name(actor, "x").error().code, ErrorCode::session_unknown);
  EXPECT_EQ(Organizations(world_.dependencies()).create(actor, "mine").error().code,
            ErrorCode::session_unknown);
}

TEST_F(DisableTest, OperatorsKeepOneActiveOperator) {
  EXPECT_EQ(identity_.set_disabled(actor_, operator_, true).error().code, ErrorCode::conflict);
  const auto console = ActorForTests::console();
  EXPECT_EQ(identity_.set_disabled(console, operator_, true).error().code, ErrorCode::conflict);
  const auto second = add_person("second", true);
  must(identity_.set_disabled(actor_, second, true));
  EXPECT_EQ(identity_.set_disabled(console, operator_, true).error().code, ErrorCode::conflict)
      << "a disabled operator is none";
  must(identity_.set_disabled(actor_, second, false));
  EXPECT_TRUE(identity_.set_disabled(ActorForTests::session(second), operator_, true));
}

TEST_F(DisableTest, IsForOperatorsOnly) {
  const auto ada = add_person("ada");
  const auto token =
      ActorForTests::token({operator_, {}, core::OrganizationId{}, core::ScopeSet::all()});
  for (const Actor& actor : {ActorForTests::session(ada), token}) {
    EXPECT_EQ(identity_.set_disabled(actor, ada, true).error().code, ErrorCode::permission_denied);
    EXPECT_EQ(identity_.people(actor).error().code, ErrorCode::permission_denied);
    EXPECT_EQ(identity_.find_person(actor, "ada@example.org").error().code,
              ErrorCode::permission_denied);
  }
  EXPECT_EQ(must(identity_.people(actor_)).size(), 2u);
  EXPECT_EQ(must(identity_.find_person(actor_, "ADA@example.org")).id, ada);
  EXPECT_EQ(must(identity_.find_person(actor_, core::format_id(ada))).id, ada);
  EXPECT_EQ(identity_.find_person(actor_, "nobody").error().code, ErrorCode::person_unknown);
  EXPECT_EQ(identity_.set_disabled(actor_, core::PersonId{}, true).error().code,
            ErrorCode::person_unknown);
}

// The number of rows in every table that this file's services write, and what else they change.
std::string state_of(World& world) {
  std::string text = std::to_string(world.store().head().revision.number);
  const auto count = [&](store::ReadTx& tx, const std::string& sql) {
    return tx.connection().run(sql, {}, [&](const store::Row& row) -> Result<void> {
      text += ' ' + std::to_string(row.integer(0));
      return {};
    });
  };
  World::check(world.store().read([&](store::ReadTx& tx) -> Result<void> {
    for (const char* table : {"people", "organizations", "memberships", "sessions", "links",
                              "events", "event_contexts"}) {
      LK_CHECK(count(tx, std::string("SELECT COUNT(*) FROM ") + table));
    }
    LK_CHECK(count(tx, "SELECT COALESCE(SUM(state), 0) FROM people"));
    return {};
  }));
  return text;
}

// Runs `change` with its n-th store call failing, for n = 1, 2, ..., until it succeeds without
// having met the failure: each time the state is as before it, or as after a success.
void expect_all_or_nothing(World& world, const std::function<bool()>& change) {
  const std::string before = state_of(world);
  for (int failing = 1; failing < 200; ++failing) {
    world.fault().arm(failing, 1000);
    const bool changed = change();
    world.fault().disarm();
    if (changed) {
      EXPECT_NE(state_of(world), before);
      EXPECT_GT(failing, 3);
      return;
    }
    ASSERT_EQ(state_of(world), before) << "after a failure of store call " << failing;
  }
  FAIL() << "the change never succeeded";
}

TEST(IdentityFaults, SetUpInviteAcceptAndDisableAreAllOrNothing) {
  World world;
  IdentityOptions options;
  options.per_address.burst = 1000;
  Identity identity(world.dependencies(), options);
  const auto link = World::must(identity.issue_setup_link(kHome));
  std::optional<IssuedSession> session;
  expect_all_or_nothing(world, [&] {
    auto made = identity.set_up(set_up_request(link.code), kHome);
    if (made) session = std::move(made->value);
    return made.has_value();
  });
  ASSERT_TRUE(session);
  const auto actor = World::must(identity.authenticate_session(session->text, kHome));
  const auto organization = World::must(Organizations(world.dependencies()).resolve("fabrikam")).id;
  std::optional<IssuedLink> invitation;
  expect_all_or_nothing(world, [&] {
    auto made = identity.invite(actor, organization, "grace@example.org", core::Role::owner);
    if (made) invitation = std::move(*made);
    return made.has_value();
  });
  ASSERT_TRUE(invitation);
  core::PersonId grace;
  expect_all_or_nothing(world, [&] {
    auto made = identity.accept_invitation(
        {invitation->code.clone(), "Grace", SecretText(kPassword)}, kHome);
    if (made) grace = made->value.person.id;
    return made.has_value();
  });
  expect_all_or_nothing(world,
                        [&] { return identity.set_disabled(actor, grace, true).has_value(); });
}

}  // namespace
}  // namespace latchkey::service
