#include "service/organizations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/access.h"
#include "service/world_for_test.h"

namespace latchkey::service {
namespace {

using core::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OrganizationsTest : public ::testing::Test {
 protected:
  template <class T>
  static T must(Result<T> result) {
    return World::must(std::move(result));
  }
  static ErrorCode code(const auto& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::internal : result.error().code;
  }
  core::OrganizationId create(const Actor& actor, const std::string& name) {
    return must(organizations_.create(actor, name)).value.id;
  }
  std::vector<std::string> names_of(const Actor& actor) {
    std::vector<std::string> names;
    for (const auto& one : must(organizations_.list_mine(actor))) {
      names.push_back(one.organization.name);
    }
    return names;
  }
  core::Revision head() { return world_.store().head().revision; }

  World world_;
  Organizations organizations_{world_.dependencies()};
  core::PersonId ada_id_ = world_.add_person("ada");
  core::PersonId bob_id_ = world_.add_person("bob");
  Actor ada_ = ActorForTests::session(ada_id_);
  Actor bob_ = ActorForTests::session(bob_id_);
  Actor console_ = ActorForTests::console();
};

TEST_F(OrganizationsTest, CreatorBecomesOwnerInTheSameChange) {
  const auto before = head();
  const auto made = must(organizations_.create(ada_, "Fabrikam"));
  EXPECT_EQ(made.revision, head());
  const auto events = world_.events_after(before);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].draft.action, core::Action::organization_created);
  EXPECT_EQ(events[1].draft.action, core::Action::member_added);
  EXPECT_EQ(events[1].draft.organization, made.value.id);
  EXPECT_EQ(events[1].draft.data, R"({"role":"owner"})");
  const auto members = must(organizations_.members(ada_, made.value.id));
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].membership.role, Role::owner);
}

TEST_F(OrganizationsTest, NamesAreUniqueWithoutCaseAndFound) {
  const auto id = create(ada_, "Fabrikam");
  EXPECT_EQ(code(organizations_.create(bob_, "fabriKAM")), ErrorCode::already_exists);
  EXPECT_EQ(code(organizations_.create(bob_, "no spaces")), ErrorCode::invalid_argument);
  EXPECT_EQ(must(organizations_.resolve("FABRIKAM")).id, id);
  EXPECT_EQ(must(organizations_.resolve(core::format_id(id))).id, id);
  EXPECT_EQ(code(organizations_.resolve("contoso")), ErrorCode::organization_unknown);
}

TEST_F(OrganizationsTest, ToStrangersItDoesNotExist) {
  const auto id = create(ada_, "fabrikam");
  EXPECT_EQ(code(organizations_.get(bob_, id)), ErrorCode::organization_unknown);
  EXPECT_EQ(code(organizations_.get(bob_, {})), ErrorCode::organization_unknown);
  EXPECT_EQ(code(organizations_.members(bob_, id)), ErrorCode::organization_unknown);
  EXPECT_EQ(code(organizations_.remove(bob_, id)), ErrorCode::organization_unknown);
  EXPECT_EQ(code(organizations_.recover(bob_, id, "")), ErrorCode::organization_unknown);
  EXPECT_TRUE(names_of(bob_).empty());
}

TEST_F(OrganizationsTest, ATokenReadsItsOwnAndChangesNothing) {
  const auto mine = create(ada_, "fabrikam");
  const auto other = create(ada_, "contoso");
  const auto token = ActorForTests::token({ada_id_, {}, mine, core::ScopeSet::all()});
  EXPECT_TRUE(organizations_.get(token, mine));
  EXPECT_EQ(code(organizations_.get(token, other)), ErrorCode::organization_unknown);
  EXPECT_THAT(names_of(token), ElementsAre("fabrikam"));
  EXPECT_EQ(code(organizations_.create(token, "x")), ErrorCode::credential_kind_refused);
  EXPECT_EQ(code(organizations_.rename(token, mine, "x")), ErrorCode::credential_kind_refused);
  EXPECT_EQ(code(organizations_.remove(token, mine)), ErrorCode::credential_kind_refused);
  EXPECT_EQ(code(organizations_.add_member(token, mine, bob_id_, Role::owner)),
            ErrorCode::credential_kind_refused);
  EXPECT_EQ(code(organizations_.change_role(token, mine, ada_id_, Role::reader)),
            ErrorCode::credential_kind_refused);
  EXPECT_EQ(code(organizations_.remove_member(token, mine, ada_id_)),
            ErrorCode::credential_kind_refused);
}

TEST_F(OrganizationsTest, RenamingNeedsAnAdministrator) {
  const auto id = create(ada_, "fabrikam");
  world_.set_role(id, bob_id_, Role::member);
  EXPECT_EQ(code(organizations_.rename(bob_, id, "contoso")), ErrorCode::permission_denied);
  world_.set_role(id, bob_id_, Role::administrator);
  EXPECT_EQ(must(organizations_.rename(bob_, id, "contoso")).value.name, "contoso");
  EXPECT_EQ(must(organizations_.resolve("contoso")).id, id);
  EXPECT_EQ(code(organizations_.resolve("fabrikam")), ErrorCode::organization_unknown);
  const auto before = head();
  EXPECT_TRUE(organizations_.rename(bob_, id, "contoso")) << "the same name is no change";
  EXPECT_EQ(head(), before);
  create(ada_, "fabrikam");
  EXPECT_EQ(code(organizations_.rename(bob_, id, "Fabrikam")), ErrorCode::already_exists);
}

TEST_F(OrganizationsTest, DeletedItIsRecoveredByOwnersWithin28Days) {
  const auto id = create(ada_, "fabrikam");
  world_.set_role(id, bob_id_, Role::administrator);
  EXPECT_EQ(code(organizations_.remove(bob_, id)), ErrorCode::permission_denied);
  EXPECT_EQ(code(organizations_.recover(ada_, id, "")), ErrorCode::conflict) << "not deleted";
  must(organizations_.remove(ada_, id));
  EXPECT_EQ(code(organizations_.get(ada_, id)), ErrorCode::organization_unknown);
  EXPECT_EQ(code(organizations_.remove(ada_, id)), ErrorCode::organization_unknown);
  EXPECT_THAT(names_of(ada_), ElementsAre("fabrikam"));
  EXPECT_TRUE(names_of(bob_).empty());
  EXPECT_EQ(code(organizations_.recover(bob_, id, "")), ErrorCode::permission_denied);
  must(organizations_.recover(ada_, id, ""));
  EXPECT_TRUE(organizations_.get(bob_, id)) << "with its members";

  must(organizations_.remove(ada_, id));
  create(bob_, "fabrikam");
  EXPECT_EQ(code(organizations_.recover(ada_, id, "")), ErrorCode::already_exists);
  EXPECT_EQ(must(organizations_.recover(ada_, id, "fabrikam-2")).value.name, "fabrikam-2");

  must(organizations_.remove(ada_, id));
  world_.clock.advance(core::kRecoverWindow + std::chrono::days(1));
  EXPECT_EQ(code(organizations_.recover(ada_, id, "")), ErrorCode::conflict);
  EXPECT_TRUE(names_of(ada_).empty());
}

TEST_F(OrganizationsTest, RolesAreGivenUpToOnesOwn) {
  const auto id = create(ada_, "fabrikam");
  const auto carl = world_.add_person("carl");
  world_.set_role(id, bob_id_, Role::administrator);
  EXPECT_EQ(code(organizations_.add_member(bob_, id, carl, Role::owner)),
            ErrorCode::permission_denied);
  EXPECT_EQ(must(organizations_.add_member(bob_, id, carl, Role::reader)).value.role, Role::reader);
  EXPECT_EQ(code(organizations_.add_member(bob_, id, carl, Role::reader)), ErrorCode::conflict);
  EXPECT_EQ(code(organizations_.add_member(bob_, id, {}, Role::reader)), ErrorCode::person_unknown);
  EXPECT_EQ(code(organizations_.change_role(bob_, id, carl, Role::owner)),
            ErrorCode::permission_denied);
  EXPECT_EQ(code(organizations_.change_role(bob_, id, ada_id_, Role::reader)),
            ErrorCode::permission_denied)
      << "an administrator cannot lower an owner";
  EXPECT_EQ(code(organizations_.remove_member(bob_, id, ada_id_)), ErrorCode::permission_denied);
  EXPECT_TRUE(organizations_.change_role(bob_, id, carl, Role::administrator));
  EXPECT_EQ(code(organizations_.change_role(ada_, id, {}, Role::reader)),
            ErrorCode::member_unknown);
}

TEST_F(OrganizationsTest, KeepsItsLastActiveOwner) {
  const auto id = create(ada_, "fabrikam");
  EXPECT_EQ(code(organizations_.remove_member(ada_, id, ada_id_)), ErrorCode::conflict);
  EXPECT_EQ(code(organizations_.change_role(ada_, id, ada_id_, Role::reader)), ErrorCode::conflict);
  EXPECT_EQ(code(organizations_.remove_member(console_, id, ada_id_)), ErrorCode::conflict);
  must(organizations_.add_member(ada_, id, bob_id_, Role::owner));
  world_.set_person_state(bob_id_, core::PersonState::disabled);
  EXPECT_EQ(code(organizations_.remove_member(ada_, id, ada_id_)), ErrorCode::conflict)
      << "a disabled owner does not count";
  EXPECT_TRUE(organizations_.remove_member(ada_, id, bob_id_));
}

TEST_F(OrganizationsTest, AnybodyMayLeave) {
  const auto id = create(ada_, "fabrikam");
  world_.set_role(id, bob_id_, Role::reader);
  const auto before = head();
  const auto left = must(organizations_.remove_member(bob_, id, bob_id_));
  EXPECT_EQ(left, head());
  const auto events = world_.events_after(before);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::member_removed);
  EXPECT_EQ(events[0].draft.subjects[0].id, bob_id_.uuid);
  EXPECT_EQ(code(organizations_.get(bob_, id)), ErrorCode::organization_unknown);
}

TEST_F(OrganizationsTest, ADisabledPersonHasNoRole) {
  const auto id = create(ada_, "fabrikam");
  world_.set_person_state(ada_id_, core::PersonState::disabled);
  EXPECT_EQ(code(organizations_.rename(ada_, id, "x")), ErrorCode::organization_unknown);
}

TEST(DecideGrantRole, FollowsTheTable) {
  const auto allows = [](Role own, Role given) {
    return decide_grant_role(own, given).has_value();
  };
  EXPECT_TRUE(allows(Role::owner, Role::owner));
  EXPECT_TRUE(allows(Role::owner, Role::reader));
  EXPECT_TRUE(allows(Role::administrator, Role::administrator));
  EXPECT_FALSE(allows(Role::administrator, Role::owner));
  EXPECT_FALSE(allows(Role::reader, Role::member));
}

}  // namespace
}  // namespace latchkey::service
