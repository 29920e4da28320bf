#include "service/idempotency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <thread>

#include "service/tokens.h"
#include "service/world_for_test.h"

namespace latchkey::service {
namespace {

using core::Role;
using testing::HasSubstr;

core::IdempotencyKey key_of(const std::string& text) { return *core::IdempotencyKey::parse(text); }

struct Outcome {
  ErrorCode code = ErrorCode::configuration;  // of a success: any that no test expects
  std::string message;
  std::string detail;
  std::string text;
  core::Token token;
  bool is_replay = false;
};

class IdempotencyTest : public testing::Test {
 protected:
  static Outcome outcome_of(const Result<Changed<IssuedToken>>& result) {
    if (!result)
      return {result.error().code, result.error().message, result.error().detail, "", {}};
    const IssuedToken& issued = result->value;
    return {ErrorCode::configuration,
            "",
            "",
            std::string(issued.text.reveal(RevealSecret{})),
            issued.token,
            issued.is_replay};
  }
  Outcome create(const std::string& key, const std::string& name = "build") {
    return create_as(ada, organization, key, name);
  }
  Outcome create_as(const Actor& actor, core::OrganizationId where, const std::string& key,
                    const std::string& name = "build") {
    const core::CreateToken request{
        .display_name = name, .scope = "vso.project", .valid_to = std::nullopt};
    const auto parsed = key_of(key);
    return outcome_of(tokens->create(actor, where, request, &parsed));
  }
  Outcome regenerate(core::TokenId id, const std::string& key,
                     std::optional<Instant> valid_to = std::nullopt) {
    const auto parsed = key_of(key);
    return outcome_of(tokens->regenerate(ada, organization, id, valid_to, &parsed));
  }
  std::vector<core::Token> all_tokens() {
    std::vector<core::Token> all;
    World::check(world.store().read([&](store::ReadTx& tx) -> Result<void> {
      all.clear();
      return store::for_each_token(tx, [&](const store::TokenRow& row) -> Result<void> {
        all.push_back(row.token);
        return {};
      });
    }));
    return all;
  }
  std::optional<store::IdempotencyRow> newest_row() {
    std::optional<store::IdempotencyRow> found;
    World::check(world.store().read([&](store::ReadTx& tx) -> Result<void> {
      LK_CHECK(tx.connection().run("SELECT key_digest FROM idempotency_keys", {},
                                   [&](const store::Row& row) -> Result<void> {
                                     found.emplace();
                                     found->key = row.bytes<32>(0);
                                     return {};
                                   }));
      return {};
    }));
    return found;
  }
  void make_tokens() { tokens = std::make_unique<Tokens>(world.dependencies(), limits); }
  // What a restart leaves: the store, and nothing that was in memory.
  void restart() {
    tokens.reset();
    world.reopen();
    make_tokens();
  }
  core::Revision head() { return world.store().head().revision; }

  World world;
  Idempotency::Limits limits;
  core::OrganizationId organization = world.add_organization("fabrikam");
  core::OrganizationId elsewhere = world.add_organization("contoso");
  Actor ada = world.member(organization, "ada", Role::reader);
  Actor bob = world.member(organization, "bob", Role::member);
  std::unique_ptr<Tokens> tokens = std::make_unique<Tokens>(world.dependencies(), limits);
};

TEST_F(IdempotencyTest, TheSameRequestGivesTheSameTokenAndNoEvent) {
  const Outcome first = create("k");
  EXPECT_FALSE(first.is_replay);
  const auto before = head();
  for (int i = 0; i < 3; ++i) {
    world.clock.advance(std::chrono::minutes(3));
    const Outcome again = create("\"k\"");
    EXPECT_TRUE(again.is_replay);
    EXPECT_EQ(again.text, first.text);
    EXPECT_EQ(again.token.id, first.token.id);
    EXPECT_EQ(again.token.valid_to, first.token.valid_to);
  }
  EXPECT_EQ(head(), before);
  EXPECT_EQ(all_tokens().size(), 1u);
}

TEST_F(IdempotencyTest, TheSameRegenerationGivesTheSameText) {
  const Outcome made = create("k");
  const Outcome first = regenerate(made.token.id, "k");
  EXPECT_FALSE(first.is_replay);
  EXPECT_NE(first.text, made.text);
  const auto before = head();
  const Outcome again = regenerate(made.token.id, "k");
  EXPECT_TRUE(again.is_replay);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(head(), before);
  // The first key's secret is dead by now.
  EXPECT_EQ(create("k").code, ErrorCode::token_secret_gone);
}

TEST_F(IdempotencyTest, WithoutAKeyEachRequestIsItsOwn) {
  const core::CreateToken request{
      .display_name = "build", .scope = "vso.project", .valid_to = std::nullopt};
  World::must(tokens->create(ada, organization, request));
  World::must(tokens->create(ada, organization, request));
  EXPECT_EQ(all_tokens().size(), 2u);
}

TEST_F(IdempotencyTest, AnotherRequestWithTheKeyIsRefusedAndDoesNothing) {
  create("k");
  const auto before = head();
  const Outcome other = create("k", "another name");
  EXPECT_EQ(other.code, ErrorCode::idempotency_key_reused);
  EXPECT_EQ(head(), before);

  const Outcome second = create("k2");
  regenerate(second.token.id, "r");
  const auto then = head();
  EXPECT_EQ(regenerate(all_tokens()[0].id, "r", world.clock.now() + std::chrono::days(1)).code,
            ErrorCode::idempotency_key_reused);
  EXPECT_EQ(head(), then);
}

TEST_F(IdempotencyTest, AKeyIsOnesOwnInOneOrganizationForOneOperation) {
  world.set_role(elsewhere, *ada.person(), Role::member);
  std::set<std::string> texts;
  texts.insert(create("k").text);
  texts.insert(create_as(bob, organization, "k").text);
  const Outcome there = create_as(ada, elsewhere, "k");
  texts.insert(there.text);
  texts.insert(create("K").text);
  texts.insert(regenerate(create("k").token.id, "k").text);
  EXPECT_EQ(texts.size(), 5u);
  EXPECT_EQ(all_tokens().size(), 4u);
}

TEST_F(IdempotencyTest, AFailedRequestDoesNotUseTheKeyUp) {
  EXPECT_EQ(create("k", " ").code, ErrorCode::pat_display_name_required);
  const Outcome made = create("k");
  EXPECT_FALSE(made.is_replay);
  EXPECT_FALSE(made.text.empty());
}

TEST_F(IdempotencyTest, AfterTenMinutesTheTokenIsNamedAndNoneIsMade) {
  const Outcome first = create("k");
  world.clock.advance(std::chrono::minutes(10) - Milliseconds(1));
  EXPECT_EQ(create("k").text, first.text);
  world.clock.advance(Milliseconds(1));
  const auto before = head();
  const Outcome late = create("k");
  EXPECT_EQ(late.code, ErrorCode::token_secret_gone);
  EXPECT_EQ(late.detail, core::format_id(first.token.id));
  EXPECT_THAT(late.message, HasSubstr("can no longer be shown"));
  EXPECT_THAT(late.message, HasSubstr(core::format_id(first.token.id)));
  EXPECT_EQ(head(), before);
  EXPECT_EQ(all_tokens().size(), 1u);
}

TEST_F(IdempotencyTest, StepsOfTheClockNeitherLengthenNorShorten) {
  const Outcome first = create("k");
  world.clock.set(world.clock.now() + std::chrono::hours(5));
  EXPECT_EQ(create("k").text, first.text);
  world.clock.set(world.clock.now() - std::chrono::hours(10));
  EXPECT_EQ(create("k").text, first.text);
  const Instant stands = world.clock.now();
  world.clock.advance(std::chrono::minutes(10));
  world.clock.set(stands);
  EXPECT_EQ(create("k").code, ErrorCode::token_secret_gone);
}

TEST_F(IdempotencyTest, AfterARestartTheTokenIsNamedAndNoneIsMade) {
  const Outcome first = create("k");
  const Outcome renewed = regenerate(create("k2").token.id, "r");
  restart();
  EXPECT_EQ(create("k").code, ErrorCode::token_secret_gone);
  EXPECT_EQ(create("k").detail, core::format_id(first.token.id));
  EXPECT_EQ(create("k", "other").code, ErrorCode::idempotency_key_reused);
  EXPECT_EQ(regenerate(renewed.token.id, "r").code, ErrorCode::token_secret_gone);
  EXPECT_EQ(all_tokens().size(), 2u);
}

TEST_F(IdempotencyTest, ASecretThatIsDeadIsNotGivenAgain) {
  const Outcome revoked = create("revoked");
  World::must(tokens->revoke(ada, organization, revoked.token.id));
  EXPECT_EQ(create("revoked").code, ErrorCode::token_secret_gone);
  EXPECT_THAT(create("revoked").message, HasSubstr("was revoked since"));

  const Outcome regenerated = create("regenerated");
  World::must(tokens->regenerate(ada, organization, regenerated.token.id, std::nullopt));
  EXPECT_EQ(create("regenerated").code, ErrorCode::token_secret_gone);
  EXPECT_THAT(create("regenerated").message, HasSubstr("was regenerated since"));

  const Outcome expired = create("expired");
  core::UpdateToken soon;
  soon.valid_to = world.clock.now() + std::chrono::minutes(1);
  World::must(tokens->update(ada, organization, expired.token.id, soon));
  EXPECT_EQ(create("expired").text, expired.text);
  world.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(create("expired").code, ErrorCode::token_secret_gone);
  EXPECT_THAT(create("expired").message, HasSubstr("has expired since"));
}

TEST_F(IdempotencyTest, WhoLostTheRightGetsNoReplay) {
  create("k");
  world.remove_member(organization, *ada.person());
  EXPECT_EQ(create("k").code, ErrorCode::organization_unknown);
  world.set_role(organization, *ada.person(), Role::reader);
  EXPECT_TRUE(create("k").is_replay);
  world.set_person_state(*ada.person(), core::PersonState::disabled);
  EXPECT_NE(create("k").code, ErrorCode::configuration);
}

TEST_F(IdempotencyTest, TheDatabaseHasNeitherKeyNorText) {
  const std::string key = "a-key-that-nobody-may-read";
  const Outcome made = create(key);
  const Outcome renewed = regenerate(made.token.id, key);
  for (const auto& file : std::filesystem::recursive_directory_iterator(world.folder())) {
    if (!file.is_regular_file()) continue;
    std::ifstream stream(file.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_EQ(bytes.find(key), std::string::npos) << file.path();
    EXPECT_EQ(bytes.find(made.text.substr(0, 20)), std::string::npos) << file.path();
    EXPECT_EQ(bytes.find(renewed.text.substr(0, 20)), std::string::npos) << file.path();
  }
  // Nor can a guess be tried by who has no digest key.
  const core::IdempotencyScope scope{*ada.person(), organization,
                                     core::IdempotentOperation::create_token};
  EXPECT_NE(newest_row()->key, sha256(core::idempotency_key_bytes(scope, key_of(key))));
}

TEST_F(IdempotencyTest, KeysAreRememberedForADay) {
  create("k");
  world.clock.advance(Idempotency::kKeyLife);
  World::check(tokens->idempotency().forget_keys());
  EXPECT_EQ(create("k").code, ErrorCode::token_secret_gone);
  world.clock.advance(Milliseconds(1));
  World::check(tokens->idempotency().forget_keys());
  EXPECT_FALSE(newest_row());
  EXPECT_FALSE(create("k").is_replay);
  EXPECT_EQ(all_tokens().size(), 2u);
}

TEST_F(IdempotencyTest, TooManyKeysOfAPersonAreRefusedUntilTheOldestIsOver) {
  limits.keys_of_person_max = 3;
  make_tokens();
  create("1");
  world.clock.advance(std::chrono::hours(1));
  create("2");
  create("3");
  const auto before = head();
  const Outcome refused = create("4");
  EXPECT_EQ(refused.code, ErrorCode::too_many_attempts);
  EXPECT_EQ(refused.detail, std::to_string(23 * 3'600));
  EXPECT_EQ(head(), before);
  EXPECT_FALSE(create_as(bob, organization, "4").text.empty());
  EXPECT_EQ(create("3").code, ErrorCode::configuration);  // a replay needs no room
  world.clock.advance(std::chrono::hours(23));
  EXPECT_FALSE(create("4").text.empty());
}

TEST_F(IdempotencyTest, ManyAtOnceMakeOneToken) {
  std::vector<Outcome> outcomes(32);
  std::vector<std::jthread> threads;
  for (Outcome& outcome : outcomes) threads.emplace_back([&] { outcome = create("k"); });
  threads.clear();
  int made = 0;
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.text, outcomes[0].text);
    made += outcome.is_replay ? 0 : 1;
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(outcomes[0].text.size(), core::kTokenLength);
  EXPECT_EQ(all_tokens().size(), 1u);
}

TEST_F(IdempotencyTest, WithoutEntropyNothingIsDone) {
  const auto before = head();
  world.entropy.fails = true;
  EXPECT_EQ(create("k").code, ErrorCode::internal);
  world.entropy.fails = false;
  EXPECT_EQ(head(), before);
  EXPECT_FALSE(create("k").is_replay);
}

// Fails the n-th call of the engine for n = 1, 2, ...: whatever the caller was told, the retry
// with the same key gives a live text, and there is one change.
class IdempotencyFaultTest : public IdempotencyTest {
 protected:
  // `change` does the change with this key, `count` tells how often it was done.
  void fail_each_call_of(const std::function<Outcome(const std::string&)>& change,
                         const std::function<size_t()>& count) {
    using Moment = store::Fault::Moment;
    for (const auto& [times, moment] :
         {std::pair{int64_t{1}, Moment::before}, std::pair{int64_t{1}, Moment::after},
          std::pair{int64_t{1'000}, Moment::before}}) {
      int64_t nth = 0;
      for (int64_t calls = 1; nth < calls;) {
        ++nth;
        const std::string key = "key-" + std::to_string(++keys_);
        const size_t before = count();
        const int64_t calls_before = world.fault().calls();
        world.fault().arm(nth, times, moment);
        const Outcome first = change(key);
        world.fault().disarm();
        calls = world.fault().calls() - calls_before;
        const bool was_done = count() == before + 1;
        EXPECT_EQ(was_done, !first.text.empty()) << "at call " << nth;
        const Outcome again = change(key);
        EXPECT_EQ(again.is_replay, was_done) << "at call " << nth;
        EXPECT_EQ(again.text == first.text, was_done) << "at call " << nth;
        EXPECT_EQ(again.text.size(), core::kTokenLength) << again.message;
        EXPECT_EQ(count(), before + 1) << "at call " << nth;
      }
      EXPECT_GT(nth, 5);
    }
    EXPECT_TRUE(store::verify_audit(world.store(), {}));
  }

 private:
  int keys_ = 0;
};

TEST_F(IdempotencyFaultTest, CreateIsDoneOnce) {
  fail_each_call_of([&](const std::string& key) { return create(key); },
                    [&] { return all_tokens().size(); });
}

TEST_F(IdempotencyFaultTest, RegenerateIsDoneOnce) {
  const core::TokenId id = create("k").token.id;
  fail_each_call_of([&](const std::string& key) { return regenerate(id, key); },
                    [&] { return static_cast<size_t>(all_tokens()[0].generation); });
}

// The commit reported an error and the engine could not be asked: the caller was told that the
// store is not available, yet the token is there.
TEST_F(IdempotencyFaultTest, ACommitOfUnknownOutcomeIsFoundByTheRetry) {
  bool was_met = false;
  for (int64_t nth = 1; nth < 40 && !was_met; ++nth) {
    const std::string key = "unknown-" + std::to_string(nth);
    const size_t before = all_tokens().size();
    world.fault().arm(nth, 3, store::Fault::Moment::after);
    const Outcome first = create(key);
    world.fault().disarm();
    was_met = first.text.empty() && all_tokens().size() == before + 1;
    const Outcome again = create(key);
    EXPECT_EQ(again.text.size(), core::kTokenLength) << again.message;
    EXPECT_EQ(all_tokens().size(), before + 1);
    EXPECT_TRUE(again.is_replay || !was_met);
  }
  EXPECT_TRUE(was_met);
}

}  // namespace
}  // namespace latchkey::service
