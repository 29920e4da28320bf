#include "service/clients.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "service/world_for_test.h"
#include "store/client_rows.h"

namespace latchkey::service {
namespace {

class ClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    organization_ = world_.add_organization("fabrikam");
    World::check(clients_.load());
  }
  Changed<IssuedClient> add(const std::string& name, std::vector<std::string> organizations = {}) {
    return World::must(clients_.add(console_, request(name, std::move(organizations))));
  }
  static NewClient request(const std::string& name, std::vector<std::string> organizations = {}) {
    NewClient request{name, {}, std::move(organizations)};
    request.may.add(core::ClientPermission::feed);
    return request;
  }
  static std::string_view text_of(const Changed<IssuedClient>& made) {
    return made.value.text.reveal(RevealSecret{});
  }

  World world_;
  core::OrganizationId organization_;
  const Actor console_ = ActorForTests::console();
  Clients clients_{world_.dependencies()};
};

TEST_F(ClientsTest, IsKnownByItsSecretUntilItIsRemoved) {
  const auto made = add("gate-1");
  EXPECT_EQ(made.value.text.size(), core::kClientSecretPrefix.size() + 43);
  const auto proven = World::must(clients_.authenticate(text_of(made)));
  EXPECT_EQ(proven.name(), "gate-1");
  EXPECT_EQ(proven.id(), made.value.client.id);
  EXPECT_TRUE(proven.may(core::ClientPermission::feed));
  EXPECT_FALSE(proven.may(core::ClientPermission::report));
  EXPECT_TRUE(proven.is_for_all());
  EXPECT_TRUE(clients_.is_live(proven.id()));

  std::string wrong(text_of(made));
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  for (const std::string& text : {wrong, std::string(text_of(made)) + "A", std::string("lkc_"),
                                  std::string(), std::string("lks_") + wrong.substr(4)}) {
    const auto refused = clients_.authenticate(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::token_unknown);
  }

  World::must(clients_.remove(console_, "Gate-1"));
  EXPECT_FALSE(clients_.authenticate(text_of(made)));
  EXPECT_FALSE(clients_.is_live(proven.id()));
  const auto again = clients_.remove(console_, "gate-1");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(ClientsTest, IsKnownAfterARestartAndItsTextIsNotStored) {
  const auto made = add("gate-1", {"Fabrikam"});
  world_.reopen();
  Clients clients(world_.dependencies());
  EXPECT_FALSE(clients.authenticate(text_of(made)));  // not loaded yet
  World::check(clients.load());
  const auto proven = World::must(clients.authenticate(text_of(made)));
  EXPECT_TRUE(proven.is_for(organization_));
  EXPECT_FALSE(proven.is_for(core::OrganizationId{}));
  EXPECT_FALSE(proven.is_for_all());
  const auto listed = World::must(clients.list(console_));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].client.name, "gate-1");
  EXPECT_EQ(listed[0].organizations, std::vector<std::string>{"fabrikam"});
}

TEST_F(ClientsTest, EachChangeIsOneEvent) {
  const core::Revision before = world_.store().head().revision;
  add("gate-1", {"fabrikam"});
  World::must(clients_.remove(console_, "gate-1"));
  const auto events = world_.events_after(before);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(core::action_name(events[0].draft.action), "Client.AddEvent");
  EXPECT_EQ(events[0].draft.data,
            R"({"may":["feed"],"organizations":[")" + core::format_id(organization_) + R"("]})");
  EXPECT_EQ(core::action_name(events[1].draft.action), "Client.RemoveEvent");
  EXPECT_EQ(events[0].draft.subjects, events[1].draft.subjects);
  World::check(store::verify_rights(world_.store()));
}

TEST_F(ClientsTest, RefusesBadRequestsByFieldAndRule) {
  const auto field = [&](const NewClient& request) {
    const auto refused = clients_.add(console_, request);
    EXPECT_FALSE(refused);
    return refused ? "" : refused.error().field;
  };
  EXPECT_EQ(field(request("")), "name");
  EXPECT_EQ(field(request("a b")), "name");
  EXPECT_EQ(field({"gate", {}, {}}), "may");
  EXPECT_EQ(field(request("gate", {"nowhere"})), "organizations");
  EXPECT_EQ(field(request("gate", {"fabrikam", "FABRIKAM"})), "organizations");
  EXPECT_EQ(field(request("gate", std::vector<std::string>(101, "fabrikam"))), "organizations");
  add("gate");
  EXPECT_EQ(field(request("GATE")), "name");  // taken
}

TEST_F(ClientsTest, OnlyOperatorsMayChangeAndSeeThem) {
  const Actor owner = world_.member(organization_, "ada", core::Role::owner);
  const auto code = [](const auto& refused) {
    return refused ? std::string("done") : std::string(error_name(refused.error().code));
  };
  EXPECT_EQ(code(clients_.add(owner, request("gate"))), "permission_denied");
  EXPECT_EQ(code(clients_.list(owner)), "permission_denied");
  add("gate");
  EXPECT_EQ(code(clients_.remove(owner, "gate")), "permission_denied");
}

TEST_F(ClientsTest, AChangeThatFailsAtAnyStoreCallIsDoneOrIsNot) {
  const int64_t calls_before = world_.fault().calls();
  add("gate-0");
  const int64_t calls = world_.fault().calls() - calls_before;
  for (const auto moment : {store::Fault::Moment::before, store::Fault::Moment::after}) {
    for (int64_t nth = 1; nth <= calls; ++nth) {
      SCOPED_TRACE(nth);
      const std::string name = "gate-" + std::to_string(world_.fault().calls());
      world_.fault().arm(nth, 3, moment);
      const auto made = clients_.add(console_, request(name));
      world_.fault().disarm();
      const auto listed = World::must(clients_.list(console_));
      const bool is_there = std::any_of(listed.begin(), listed.end(),
                                        [&](const auto& one) { return one.client.name == name; });
      EXPECT_TRUE(is_there || !made);
      World::must(store::verify_audit(world_.store(), {}));
      World::check(store::verify_rights(world_.store()));
    }
  }
}

}  // namespace
}  // namespace latchkey::service
