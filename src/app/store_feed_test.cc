#include "app/store_feed.h"

#include <gmock/gmock.h>

#include "app/indexed_world_for_test.h"
#include "service/clients.h"

namespace latchkey::app {
namespace {

using service::World;

class StoreFeedTest : public testing::Test, protected IndexedWorld {
 protected:
  void load() {
    make_index(world.catalog);
    World::check(verifier->load(*feed));
  }
  void both(const std::function<void()>& expect) {
    follow();
    expect();
    load();  // what a restart loads is what following led to
    expect();
  }
};

TEST_F(StoreFeedTest, SeesNewChangedAndRevokedTokens) {
  load();
  const auto token = make_token();
  EXPECT_EQ(outcome(token.text), "token_unknown");
  both([&] { EXPECT_EQ(outcome(token.text), "granted"); });
  const core::UpdateToken update{
      .display_name = std::nullopt, .scope = "vso.code", .valid_to = std::nullopt};
  World::must(tokens.update(owner, organization, token.token.id, update));
  both([&] {
    EXPECT_EQ(outcome(token.text), "scope_missing");
    EXPECT_EQ(outcome(token.text, "vso.code"), "granted");
  });
  World::must(tokens.revoke(owner, organization, token.token.id));
  both([&] { EXPECT_EQ(outcome(token.text), "token_revoked"); });
}

TEST_F(StoreFeedTest, ClosesScopesOverImplication) {
  const auto token = make_token("vso.code_manage");
  load();
  EXPECT_EQ(outcome(token.text, "vso.code"), "granted");
}

TEST_F(StoreFeedTest, RegenerationRetiresTheOldSecret) {
  load();
  const auto before = make_token();
  follow();
  const auto after =
      World::must(tokens.regenerate(owner, organization, before.token.id, std::nullopt));
  both([&] {
    EXPECT_EQ(outcome(before.text), "token_revoked");
    EXPECT_EQ(outcome(after.value.text), "granted");
  });
}

TEST_F(StoreFeedTest, SeesPeopleAndMemberships) {
  load();
  const auto token = make_token();
  const core::PersonId person = *owner.person();
  world.set_person_state(person, core::PersonState::disabled);
  both([&] { EXPECT_EQ(outcome(token.text), "token_owner_disabled"); });
  world.set_person_state(person, core::PersonState::active);
  both([&] { EXPECT_EQ(outcome(token.text), "granted"); });
  world.remove_member(organization, person);
  both([&] { EXPECT_EQ(outcome(token.text), "token_owner_disabled"); });
  world.set_role(organization, person, core::Role::reader);
  both([&] { EXPECT_EQ(outcome(token.text), "granted"); });
}

TEST_F(StoreFeedTest, RoleMasksWhatTokensMayDo) {
  load();
  const auto token = make_token("vso.project_manage");
  both([&] { EXPECT_EQ(outcome(token.text, "vso.project_manage"), "granted"); });
  world.set_role(organization, *owner.person(), core::Role::reader);
  both([&] { EXPECT_EQ(outcome(token.text, "vso.project_manage"), "scope_missing"); });
}

TEST_F(StoreFeedTest, SeesOrganizationsUnderTheirNames) {
  load();
  const auto token = make_token();
  EXPECT_EQ(verifier->find_organization("fabrikam"), organization);
  World::must(organizations.rename(owner, organization, "Contoso"));
  both([&] {
    EXPECT_EQ(verifier->find_organization("fabrikam"), std::nullopt);
    EXPECT_EQ(verifier->find_organization("contoso"), organization);
  });
  world.delete_organization(organization);
  both([&] {
    EXPECT_EQ(verifier->find_organization("contoso"), std::nullopt);
    EXPECT_EQ(outcome(token.text), "token_owner_disabled");
  });
}

TEST_F(StoreFeedTest, ANameCanChangeHandsInOneBatch) {
  load();
  World::must(organizations.rename(owner, organization, "Contoso"));
  const core::OrganizationId other = world.add_organization("Fabrikam");
  both([&] {
    EXPECT_EQ(verifier->find_organization("fabrikam"), other);
    EXPECT_EQ(verifier->find_organization("contoso"), organization);
  });
}

TEST_F(StoreFeedTest, LeavesOutARowThatWasChangedFromOutsideOnly) {
  const auto widened = make_token("vso.code");
  const auto other = make_token();
  tamper("UPDATE tokens SET scope = 'app_token' WHERE scope = 'vso.code'");
  load();
  EXPECT_EQ(outcome(widened.text, "vso.code"), "token_unknown");
  EXPECT_EQ(outcome(other.text), "granted");
  EXPECT_EQ(feed->tampered_tokens(), 1u);
}

TEST_F(StoreFeedTest, TakesOutARowThatWasChangedWhileItWasIn) {
  load();
  const auto token = make_token();
  follow();
  EXPECT_EQ(outcome(token.text), "granted");
  tamper("UPDATE tokens SET scope = 'app_token'");
  const core::UpdateToken rename{
      .display_name = "other", .scope = std::nullopt, .valid_to = std::nullopt};
  // Some event names the token while its row is wrong: the service may refuse, or write it anew.
  if (tokens.update(owner, organization, token.token.id, rename)) {
    tamper("UPDATE tokens SET valid_to = valid_to + 1");
  }
  follow();
  EXPECT_NE(outcome(token.text, "vso.code_write"), "granted");
}

TEST_F(StoreFeedTest, FollowsMoreEventsThanOnePage) {
  load();
  const core::EventDraft draft{.action = core::Action::member_role_changed,
                               .organization = organization,
                               .actor = std::nullopt,
                               .subjects = {{core::SubjectKind::membership, owner.person()->uuid}},
                               .data = "{}"};
  World::must(world.store().write([&](store::WriteTx& tx) -> Result<void> {
    for (int i = 0; i < 1100; ++i) LK_CHECK(tx.append(draft, {}));
    return {};
  }));
  const auto token = make_token();
  follow();
  EXPECT_EQ(verifier->status().revision, world.store().head().revision);
  EXPECT_EQ(outcome(token.text), "granted");
}

// After a restore the same revisions are given to other events: none may be taken for an old one.
TEST_F(StoreFeedTest, APositionOfAnotherEpochIsTruncated) {
  make_token();
  load();
  const core::Position head = world.store().head().position();
  const auto ignore = [](const verify::FeedItem&) {};
  EXPECT_TRUE(feed->follow(head, Milliseconds(0), ignore));
  World::must(world.store().write([&](store::WriteTx& tx) -> Result<void> {
    tx.begin_epoch(World::must(core::make_id<core::Epoch>(world.entropy)));
    core::EventDraft draft;
    draft.action = core::Action::store_restored;
    LK_CHECK(tx.append(draft, {}));
    return {};
  }));
  for (const core::Position& old :
       {head, core::Position{world.store().head().epoch, {head.revision.number + 2}}}) {
    const auto followed = feed->follow(old, Milliseconds(0), ignore);
    ASSERT_FALSE(followed);
    EXPECT_EQ(followed.error().code, ErrorCode::feed_truncated);
  }
  const auto token = make_token();
  follow();
  EXPECT_EQ(verifier->status().epoch, world.store().head().epoch);
  EXPECT_EQ(outcome(token.text), "granted");
}

// A client that another node made or removed.
TEST_F(StoreFeedTest, ClientsOfOtherNodesAreTaken) {
  service::Clients here(world.dependencies()), there(world.dependencies());
  World::check(here.load());
  World::check(there.load());
  StoreFeed own(StoreFeedDependencies{
      world.store(), world.catalog, *log, world.clock,
      [&](store::ReadTx& tx, std::optional<core::Revision> at) { return here.take(tx, at); }});
  const auto ignore = [](const verify::FeedItem&) {};
  auto reached = World::must(own.load(ignore));
  service::NewClient request{"gate", {}, {}};
  request.may.add(core::ClientPermission::feed);
  const auto made = World::must(there.add(service::ActorForTests::console(), request));
  const std::string text(made.value.text.reveal(RevealSecret{}));
  EXPECT_FALSE(here.authenticate(text));
  reached = World::must(own.follow(reached.position, Milliseconds(0), ignore));
  EXPECT_TRUE(here.authenticate(text));
  World::must(there.remove(service::ActorForTests::console(), "gate"));
  EXPECT_TRUE(here.authenticate(text));
  World::must(own.follow(reached.position, Milliseconds(0), ignore));
  EXPECT_FALSE(here.authenticate(text));
}

TEST_F(StoreFeedTest, AStoreThatFailsConfirmsNothing) {
  load();
  make_token();
  world.fault().arm(1, 1000);
  EXPECT_FALSE(verifier->follow_once(*feed, Milliseconds(0)).has_value());
  world.fault().disarm();
  follow();
  EXPECT_EQ(verifier->status().tokens, 1u);
}

}  // namespace
}  // namespace latchkey::app
