#include "service/housekeeping.h"

#include <gtest/gtest.h>

#include "service/identity_for_test.h"
#include "service/notifier.h"
#include "service/tokens.h"

namespace latchkey::service {
namespace {

class HousekeepingTest : public IdentityTest {
 protected:
  HousekeepingTest() { world_.set_role(organization_, owner_, core::Role::owner); }
  void clear() { World::check(clear_up(world_.store(), world_.clock.now())); }
  size_t rows(const std::string& table) {
    size_t count = 0;
    World::check(world_.store().read([&](store::ReadTx& tx) -> Result<void> {
      LK_CHECK(tx.connection().run("SELECT COUNT(*) FROM " + table, {},
                                   [&](const store::Row& row) -> Result<void> {
                                     count = static_cast<size_t>(row.integer(0));
                                     return {};
                                   }));
      return {};
    }));
    return count;
  }
  core::PersonId owner_ = add_person("owner");
  core::OrganizationId organization_ = world_.add_organization("fabrikam");
};

TEST_F(HousekeepingTest, DeletesLinksADayAfterTheirEnd) {
  const auto invited = must(identity_.invite(ActorForTests::session(owner_), organization_,
                                             "new@example.org", core::Role::member));
  const Instant kept = invited.link.expires_at + kExpiredLinkLife;
  world_.clock.set(kept);
  clear();
  EXPECT_EQ(rows("links"), 1u);
  world_.clock.set(kept + Milliseconds(1));
  clear();
  EXPECT_EQ(rows("links"), 0u);
}

TEST_F(HousekeepingTest, DeletesMailsAfterNinetyDays) {
  Tokens tokens(world_.dependencies());
  Notifier notifier(world_.dependencies(), {}, nullptr);
  const auto add = [&](const std::string& name) {
    core::CreateToken request;
    request.display_name = name;
    request.scope = "vso.code";
    must(tokens.create(ActorForTests::session(owner_), organization_, request));
    while (must(notifier.step(Milliseconds(0)))) {
    }
  };
  add("old");
  const Instant kept = world_.clock.now() + kMailLife;
  world_.clock.advance(Milliseconds(1));
  add("younger");
  world_.clock.set(kept);
  clear();
  EXPECT_EQ(rows("mails"), 2u);
  world_.clock.set(kept + Milliseconds(1));
  clear();
  const auto left = must(notifier.outbox(ActorForTests::session(owner_)));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_NE(left[0].subject.find("younger"), std::string::npos);
}

TEST_F(HousekeepingTest, LeavesWhatIsStillGood) {
  const auto session = must(sign_in("owner"));
  const auto link = must(identity_.invite(ActorForTests::session(owner_), organization_,
                                          "new@example.org", core::Role::member));
  clear();
  EXPECT_TRUE(is_live(session.text));
  EXPECT_TRUE(identity_.inspect_link(link.code, kHome));
}

}  // namespace
}  // namespace latchkey::service
