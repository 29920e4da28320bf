#include "service/usage.h"

#include <gmock/gmock.h>

#include "service/tokens.h"
#include "service/world_for_test.h"

namespace latchkey::service {
namespace {

using store::TokenDay;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int32_t kToday = 20'513;  // 2026-03-01

class UsageTest : public testing::Test {
 protected:
  UsageTest() {
    organization_ = world_.add_organization("fabrikam");
    other_ = world_.add_organization("contoso");
    ada_.emplace(world_.member(organization_, "ada", core::Role::owner));
    ben_.emplace(world_.member(organization_, "ben", core::Role::member));
    world_.set_role(other_, *ben_->person(), core::Role::owner);
    World::check(clients_.load());
    of_ben_ = make_token(organization_);
    elsewhere_ = make_token(other_);
  }
  core::TokenId make_token(core::OrganizationId organization) {
    const core::CreateToken request{
        .display_name = "build", .scope = "vso.project", .valid_to = std::nullopt};
    return World::must(Tokens(world_.dependencies()).create(*ben_, organization, request))
        .value.token.id;
  }
  ProvenClient client(std::vector<std::string> organizations) {
    NewClient request{"gate-" + std::to_string(++clients_made_), {}, std::move(organizations)};
    request.may.add(core::ClientPermission::report);
    const auto made = World::must(clients_.add(ActorForTests::console(), request));
    return World::must(clients_.authenticate(made.value.text.reveal(RevealSecret{})));
  }
  Uuid batch() { return World::must(make_uuid(world_.entropy)); }
  std::vector<TokenDay> days(const Actor& actor, core::TokenId token, int32_t count = 90) {
    return World::must(usage_.days(actor, organization_, token, count));
  }
  static std::string code(const auto& result) {
    return result ? "done" : std::string(error_name(result.error().code));
  }

  World world_;
  core::OrganizationId organization_;
  core::OrganizationId other_;
  std::optional<Actor> ada_;
  std::optional<Actor> ben_;
  core::TokenId of_ben_;
  core::TokenId elsewhere_;
  int clients_made_ = 0;
  Clients clients_{world_.dependencies()};
  Usage usage_{world_.dependencies()};
};

TEST_F(UsageTest, ABatchCountsOnce) {
  const auto gate = client({});
  const Uuid id = batch();
  const std::vector<CountedUse> uses = {{of_ben_, {{kToday, 3, 1}}, std::nullopt}};
  EXPECT_FALSE(World::must(usage_.take(gate, id, uses)).is_repeated);
  EXPECT_TRUE(World::must(usage_.take(gate, id, uses)).is_repeated);
  EXPECT_THAT(days(*ben_, of_ben_), ElementsAre(TokenDay{kToday, 3, 1}));
  // The same id of another client is another batch.
  EXPECT_FALSE(World::must(usage_.take(client({}), id, uses)).is_repeated);
  World::check(usage_.add(uses));
  EXPECT_THAT(days(*ben_, of_ben_), ElementsAre(TokenDay{kToday, 9, 3}));
}

TEST_F(UsageTest, IgnoresWhatIsNotTheClientsBusiness) {
  const auto taken = World::must(usage_.take(client({"contoso"}), batch(),
                                             {{of_ben_, {{kToday, 1, 0}}, std::nullopt},
                                              {elsewhere_, {{kToday, 1, 0}}, std::nullopt},
                                              {core::TokenId{}, {{kToday, 1, 0}}, std::nullopt}}));
  EXPECT_EQ(taken.tokens, 1u);
  EXPECT_EQ(taken.ignored, 2u);
  EXPECT_THAT(days(*ben_, of_ben_), IsEmpty());
}

TEST_F(UsageTest, TheLastUseIsTheNewest) {
  const auto gate = client({});
  const auto use = [&](int64_t ms, const char* agent) {
    World::must(
        usage_.take(gate, batch(), {{of_ben_, {}, core::LastUse{{ms}, "192.0.2.1", agent}}}));
    return World::must(Tokens(world_.dependencies()).get(*ben_, organization_, of_ben_))
        .last_use->user_agent;
  };
  EXPECT_EQ(use(2'000, "git"), "git");
  EXPECT_EQ(use(1'000, "old"), "git");
  EXPECT_EQ(use(3'000, "new"), "new");
}

TEST_F(UsageTest, IsForTheOwnerAndForAdministrators) {
  World::check(usage_.add({{of_ben_, {{kToday, 1, 0}}, std::nullopt}}));
  EXPECT_EQ(days(*ben_, of_ben_).size(), 1u);
  EXPECT_EQ(days(*ada_, of_ben_).size(), 1u);
  const Actor carl = world_.member(organization_, "carl", core::Role::member);
  const Actor eve = world_.member(other_, "eve", core::Role::owner);
  EXPECT_EQ(code(usage_.days(carl, organization_, of_ben_, 90)), "pat_authorization_not_found");
  EXPECT_EQ(code(usage_.days(eve, organization_, of_ben_, 90)), "organization_unknown");
  EXPECT_EQ(code(usage_.days(eve, other_, of_ben_, 90)), "pat_authorization_not_found");
  EXPECT_EQ(code(usage_.days(*ada_, organization_, elsewhere_, 90)), "pat_authorization_not_found");
  const Actor token = ActorForTests::token({*ben_->person(), of_ben_, organization_, {}});
  EXPECT_EQ(code(usage_.days(token, organization_, of_ben_, 90)), "credential_kind_refused");
}

TEST_F(UsageTest, SumsAreOfOnesOwnTokensHere) {
  world_.clock.advance(Milliseconds(1));
  const core::TokenId newer = make_token(organization_);
  World::check(usage_.add({{of_ben_, {{kToday, 3, 1}, {kToday - 29, 2, 0}}, std::nullopt},
                           {of_ben_, {{kToday - 30, 100, 0}}, std::nullopt},
                           {elsewhere_, {{kToday, 7, 0}}, std::nullopt}}));
  const auto sums = [&](const Actor& actor, int count_max = Usage::kListedMax) {
    return World::must(usage_.own_sums(actor, organization_, 30, count_max));
  };
  const store::TokenSum unused{newer, 0, 0};
  EXPECT_THAT(sums(*ben_).tokens, ElementsAre(unused, store::TokenSum{of_ben_, 5, 1}));
  EXPECT_TRUE(sums(*ben_, 2).is_complete);
  EXPECT_THAT(sums(*ben_, 1).tokens, ElementsAre(unused));
  EXPECT_FALSE(sums(*ben_, 1).is_complete);
  EXPECT_THAT(sums(*ada_).tokens, IsEmpty());
  EXPECT_TRUE(sums(*ada_).is_complete);
}

TEST_F(UsageTest, SumsAreForPersonsWhoMayHaveTokensHere) {
  const Actor eve = world_.member(other_, "eve", core::Role::owner);
  EXPECT_EQ(code(usage_.own_sums(eve, organization_, 30)), "organization_unknown");
  const Actor token = ActorForTests::token({*ben_->person(), of_ben_, organization_, {}});
  EXPECT_EQ(code(usage_.own_sums(token, organization_, 30)), "credential_kind_refused");
}

TEST_F(UsageTest, IsBoundInRate) {
  const auto gate = client({});
  int taken = 0;
  while (code(usage_.take(gate, batch(), {})) == "done") ASSERT_LT(++taken, 100);
  EXPECT_EQ(taken, 20);
  EXPECT_EQ(code(usage_.take(client({}), batch(), {})), "done");
  world_.clock.advance(Milliseconds(500));
  EXPECT_EQ(code(usage_.take(gate, batch(), {})), "done");
  EXPECT_EQ(code(usage_.take(gate, batch(), {})), "too_many_attempts");
}

TEST_F(UsageTest, IsKeptForNinetyDays) {
  World::check(usage_.add({{of_ben_, {{kToday - 89, 1, 0}, {kToday - 90, 2, 0}}, std::nullopt}}));
  const auto gate = client({});
  const Uuid id = batch();
  World::must(usage_.take(gate, id, {}));
  World::check(usage_.clear_up());
  EXPECT_THAT(days(*ben_, of_ben_, 90), ElementsAre(TokenDay{kToday - 89, 1, 0}));
  EXPECT_THAT(days(*ben_, of_ben_, 1000), ElementsAre(TokenDay{kToday - 89, 1, 0}));
  EXPECT_THAT(days(*ben_, of_ben_, 1), IsEmpty());
  EXPECT_TRUE(World::must(usage_.take(gate, id, {})).is_repeated);
  world_.clock.advance(Usage::kBatchMemory + Milliseconds(1));
  World::check(usage_.clear_up());
  EXPECT_FALSE(World::must(usage_.take(gate, id, {})).is_repeated);
}

}  // namespace
}  // namespace latchkey::service
