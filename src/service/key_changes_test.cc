#include "service/key_changes.h"

#include <gmock/gmock.h>

#include <set>

#include "base/json.h"
#include "service/tokens.h"
#include "service/world_for_test.h"
#include "store/event_rows.h"

namespace latchkey::service {
namespace {

const core::DigestKeyId kFirst{{'A', 'B'}};  // the world's
const core::DigestKeyId kSecond{{'A', 'C'}};

class KeyChangesTest : public testing::Test {
 protected:
  void SetUp() override {
    organization_ = world_.add_organization("fabrikam");
    ada_.emplace(world_.member(organization_, "ada", core::Role::owner));
    ben_.emplace(world_.member(organization_, "ben", core::Role::member));
  }
  core::Token create(const Actor& owner, const std::string& name, int days = 30) {
    core::CreateToken request;
    request.display_name = name;
    request.scope = "vso.project";
    request.valid_to = world_.clock.now() + std::chrono::days(days);
    auto made = Tokens(world_.dependencies()).create(owner, organization_, request);
    EXPECT_TRUE(made) << made.error().message;
    return made->value.token;
  }
  store::TokenRow row_of(core::TokenId id) {
    std::optional<store::TokenRow> row;
    World::check(world_.store().read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(row, store::find_token(tx, id));
      return {};
    }));
    return *row;
  }
  bool is_live(core::TokenId id) { return row_of(id).token.state == core::TokenState::live; }
  void rotate() {
    world_.digest_keys.add(kSecond, Hmac(SecretKey({9})));
    world_.digest_keys.make_current(kSecond);
  }
  KeyChanges changes() { return KeyChanges(world_.dependencies()); }
  Actor console() { return ActorForTests::console(); }

  World world_;
  core::OrganizationId organization_;
  std::optional<Actor> ada_;
  std::optional<Actor> ben_;
};

TEST_F(KeyChangesTest, CountsWhatDependsOnEachKey) {
  EXPECT_TRUE(World::must(changes().use()).empty());
  create(*ada_, "short", 10);
  const core::Token last = create(*ada_, "long", 90);
  const core::Token revoked = create(*ben_, "revoked", 100);
  World::must(Tokens(world_.dependencies()).revoke(*ben_, organization_, revoked.id));
  rotate();
  create(*ben_, "new");
  const auto uses = World::must(changes().use());
  ASSERT_EQ(uses.size(), 2u);
  EXPECT_EQ(uses[0].key, kFirst);
  EXPECT_EQ(uses[0].live_tokens, 2u);
  EXPECT_EQ(uses[0].latest_expiry, last.valid_to);
  EXPECT_EQ(uses[1].key, kSecond);
  EXPECT_EQ(uses[1].live_tokens, 1u);
  // At its expiry a token depends on nothing any more.
  world_.clock.set(last.valid_to);
  EXPECT_TRUE(World::must(changes().use()).empty());
}

TEST_F(KeyChangesTest, NamesWhatARetirementEnds) {
  const core::Token first = create(*ada_, "build");
  create(*ben_, "deploy");
  rotate();
  create(*ben_, "new");
  const auto all = World::must(changes().dependents(kFirst, 100));
  EXPECT_EQ(all.count, 2u);
  ASSERT_EQ(all.first.size(), 2u);
  const auto& build = all.first[all.first[0].token.id == first.id ? 0 : 1];
  EXPECT_EQ(build.token.display_name, "build");
  EXPECT_EQ(build.owner, "ada@example.org");
  EXPECT_EQ(build.organization, "fabrikam");
  EXPECT_EQ(World::must(changes().dependents(kFirst, 1)).first.size(), 1u);
  EXPECT_EQ(World::must(changes().dependents(kFirst, 1)).count, 2u);
}

TEST_F(KeyChangesTest, RevokesExactlyWhatDependsWithAnEventForEach) {
  std::set<core::TokenId> old;
  for (int i = 0; i < 5; ++i) old.insert(create(i % 2 ? *ada_ : *ben_, "old").id);
  rotate();
  const core::Token kept = create(*ada_, "new");
  // A token that got a new secret depends on the new key.
  const auto moved = *old.begin();
  const auto& owner = row_of(moved).token.owner == ada_->person() ? *ada_ : *ben_;
  World::must(Tokens(world_.dependencies()).regenerate(owner, organization_, moved, {}));
  old.erase(moved);
  const core::Revision before = world_.store().head().revision;

  EXPECT_EQ(World::must(changes().revoke_some(console(), kFirst, 3)).value, 3u);
  EXPECT_EQ(World::must(changes().revoke_some(console(), kFirst, 3)).value, 1u);
  EXPECT_EQ(World::must(changes().revoke_some(console(), kFirst, 3)).value, 0u);
  for (const core::TokenId id : old) EXPECT_FALSE(is_live(id));
  EXPECT_TRUE(is_live(kept.id));
  EXPECT_TRUE(is_live(moved));
  std::set<core::TokenId> told;
  for (const core::Event& event : world_.events_after(before)) {
    EXPECT_EQ(event.draft.action, core::Action::token_revoked);
    EXPECT_EQ(event.draft.actor, std::nullopt);
    EXPECT_THAT(event.draft.data, testing::HasSubstr(R"("retiredKey":"AB")"));
    told.insert(core::TokenId{event.draft.subjects[0].id});
  }
  EXPECT_EQ(told, old);
}

// The n-th call of the store and those after it fail: each token is live or revoked with its event,
// and the next attempt does the rest.
TEST_F(KeyChangesTest, AFailureAtAnyStepLeavesWholeTokens) {
  for (int i = 0; i < 3; ++i) create(*ada_, "old");
  rotate();
  int64_t calls = INT64_MAX;
  for (int64_t nth = 1; nth <= calls; ++nth) {
    SCOPED_TRACE(nth);
    for (const int times : {1, 3}) {
      const int64_t before = world_.fault().calls();
      world_.fault().arm(nth, times);
      const auto attempt = changes().revoke_some(console(), kFirst, 10);
      world_.fault().disarm();
      // One that failed early made few.
      if (attempt) calls = world_.fault().calls() - before;
      const uint64_t left = World::must(changes().dependents(kFirst, 0)).count;
      EXPECT_TRUE(left == 3 || left == 0) << left;
      EXPECT_TRUE(!attempt || left == 0) << left;
      EXPECT_TRUE(store::verify_audit(world_.store(), {}));
      EXPECT_EQ(World::must(changes().revoke_some(console(), kFirst, 10)).value, left);
      world_.digest_keys.make_current(kFirst);
      for (int i = 0; i < 3; ++i) create(*ada_, "old");
      world_.digest_keys.make_current(kSecond);
    }
  }
  EXPECT_GT(calls, 10);
}

// A row that was written past the server is not ours to sign: it stays as it is, as evidence.
TEST_F(KeyChangesTest, ARowThatIsNotOursIsPassedOver) {
  const core::Token forged = create(*ada_, "forged");
  const core::Token good = create(*ben_, "good");
  World::check(world_.store().write_aside([&](store::WriteTx& tx) {
    return tx.connection().run_script(
        "UPDATE tokens SET scope = 'app_token' WHERE display_name = 'forged'");
  }));
  rotate();
  EXPECT_EQ(World::must(changes().dependents(kFirst, 10)).count, 1u);
  EXPECT_EQ(World::must(changes().revoke_some(console(), kFirst, 1)).value, 1u);
  EXPECT_EQ(World::must(changes().revoke_some(console(), kFirst, 1)).value, 0u);
  EXPECT_FALSE(is_live(good.id));
  EXPECT_TRUE(is_live(forged.id));
  EXPECT_FALSE(store::verify_audit(world_.store(), {}));
}

// Signing anew is many transactions, each whole; the n-th call of the store and those after it
// fail, and the next attempt does the rest.
TEST_F(KeyChangesTest, SigningAnewGoesOnAfterAFailureAtAnyStep) {
  create(*ada_, "one");
  create(*ben_, "two");
  const auto resign_all = [&]() -> Result<uint64_t> {
    uint64_t resigned = 0;
    for (const store::SignedTable table : store::kSignedTables) {
      LK_TRY(const auto page, changes().resign_some({}, table, {}));
      resigned += page.resigned;
    }
    return resigned;
  };
  const uint64_t rows = World::must(changes().count_signed_rows());
  EXPECT_EQ(rows, 7u);  // two people with a membership and a token each, one organization
  int64_t calls = INT64_MAX;
  uint64_t number = 1;
  for (int64_t nth = 1; nth <= calls; ++nth) {
    SCOPED_TRACE(nth);
    std::array<uint8_t, SecretKey::kSizeBytes> bytes;
    bytes.fill(static_cast<uint8_t>(nth));
    world_.row_keys().add(core::RowKeyId{number + 1}, Hmac(SecretKey(bytes)));
    const int64_t before = world_.fault().calls();
    world_.fault().arm(nth, 3);
    const auto attempt = resign_all();
    world_.fault().disarm();
    calls = world_.fault().calls() - before;
    EXPECT_TRUE(store::verify_audit(world_.store(), {}));
    const uint64_t rest = World::must(resign_all());
    EXPECT_TRUE(!attempt || (*attempt == rows && rest == 0)) << rest;
    EXPECT_EQ(World::must(resign_all()), 0u);
    world_.row_keys().remove(core::RowKeyId{number++});
    const auto verified = store::verify_audit(world_.store(), {});
    ASSERT_TRUE(verified) << verified.error().message;
  }
  EXPECT_GT(calls, 20);
  const auto events = world_.events_after({});
  EXPECT_EQ(core::action_name(events.back().draft.action), "Key.RowResignEvent");
  EXPECT_TRUE(events.back().draft.subjects.empty());
}

TEST_F(KeyChangesTest, TheHeadIsSignedAnewOnlyIfItNeedsIt) {
  EXPECT_FALSE(World::must(changes().resign_head({})));
  world_.row_keys().add(core::RowKeyId{2}, Hmac(SecretKey({9})));
  EXPECT_TRUE(World::must(changes().resign_head({})));
  EXPECT_FALSE(World::must(changes().resign_head({})));
}

// A list that is read over a rotation goes on; one over the removal of its key begins again.
TEST_F(KeyChangesTest, ListsGoOnWhileTheRowKeyIsThere) {
  for (int i = 0; i < 5; ++i) create(*ada_, "one");
  Tokens tokens(world_.dependencies());
  TokenListQuery query;
  query.top = 2;
  const auto first = World::must(tokens.list(*ada_, organization_, query));
  world_.row_keys().add(core::RowKeyId{2}, Hmac(SecretKey({9})));
  query.continuation_token = first.continuation_token;
  const auto second = World::must(tokens.list(*ada_, organization_, query));
  EXPECT_EQ(second.rows.size(), 2u);
  for (const store::SignedTable table : store::kSignedTables) {
    World::must(changes().resign_some({}, table, {}));
  }
  world_.row_keys().remove(core::RowKeyId{1});
  EXPECT_FALSE(tokens.list(*ada_, organization_, query));
  query.continuation_token = second.continuation_token;
  EXPECT_EQ(World::must(tokens.list(*ada_, organization_, query)).rows.size(), 1u);
}

TEST_F(KeyChangesTest, EventsAboutKeysNameIdsOnly) {
  const std::string data = R"({"key":"AC","previous":"AB"})";
  EXPECT_FALSE(World::must(changes().is_logged(core::Action::key_digest_rotated, data)));
  const core::Revision revision = World::must(
      changes().append(console().event_context("{}"), core::Action::key_digest_rotated, data));
  EXPECT_TRUE(World::must(changes().is_logged(core::Action::key_digest_rotated, data)));
  EXPECT_FALSE(World::must(changes().is_logged(core::Action::key_digest_retired, data)));
  const auto events = world_.events_after({revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(core::action_name(events[0].draft.action), "Key.DigestRotateEvent");
  EXPECT_TRUE(events[0].draft.subjects.empty());
  EXPECT_EQ(events[0].draft.data, data);
}

}  // namespace
}  // namespace latchkey::service
