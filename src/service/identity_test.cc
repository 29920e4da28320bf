#include "service/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "service/identity_for_test.h"
#include "service/organizations.h"
#include "store/event_rows.h"

namespace latchkey::service {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(IdentityTest, SetUpMakesTheFirstPersonAndOrganizationOnce) {
  EXPECT_TRUE(must(identity_.needs_set_up()));
  const auto link = must(identity_.issue_setup_link(kHome));
  EXPECT_THAT(std::string(link.code.reveal(RevealSecret{})), StartsWith("lkl_"));
  EXPECT_EQ(link.code.size(), 47u);
  const auto before = head();
  const auto made = must(identity_.set_up(set_up_request(link.code), kHome));
  EXPECT_EQ(made.revision, head());
  EXPECT_TRUE(made.value.person.is_operator);
  EXPECT_THAT(std::string(made.value.text.reveal(RevealSecret{})), StartsWith("lks_"));
  const auto actor = must(identity_.authenticate_session(made.value.text, kHome));
  EXPECT_EQ(must(identity_.me(actor)).email, "Ada@example.org");

  const auto mine = must(Organizations(world_.dependencies()).list_mine(actor));
  ASSERT_EQ(mine.size(), 1u);
  EXPECT_EQ(mine[0].organization.name, "fabrikam");
  EXPECT_EQ(mine[0].role, core::Role::owner);
  EXPECT_THAT(actions_after(before),
              ::testing::ElementsAre("Person.CreateEvent", "Organization.CreateEvent",
                                     "Member.AddEvent", "Person.SignInEvent"));

  EXPECT_FALSE(must(identity_.needs_set_up()));
  EXPECT_EQ(identity_.set_up(set_up_request(link.code), kHome).error().code,
            ErrorCode::link_unknown);
  EXPECT_EQ(identity_.issue_setup_link(kHome).error().code, ErrorCode::conflict);
  EXPECT_TRUE(identity_.sign_in("ADA@EXAMPLE.ORG", SecretText(kPassword), kHome));
}

TEST_F(IdentityTest, EventsHoldNoPersonalContentAndTheirContextsDo) {
  const auto link = must(identity_.issue_setup_link(kHome));
  must(identity_.set_up(set_up_request(link.code), kHome));
  for (const auto& event : world_.events_after({0})) {
    EXPECT_THAT(event.draft.data, Not(HasSubstr("Ada")));
    EXPECT_THAT(event.draft.data, Not(HasSubstr("fabrikam")));
    EXPECT_THAT(event.draft.data, Not(HasSubstr("192.0.2")));
  }
  World::check(world_.store().read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const auto stored, store::find_event_context(tx, {2}));
    EXPECT_THAT(stored->context.names, HasSubstr("Ada Lovelace"));
    EXPECT_EQ(stored->context.address, "192.0.2.1");
    EXPECT_EQ(stored->context.mechanism, "setup");
    return {};
  }));
}

TEST_F(IdentityTest, SecretsAreNowhereInTheFiles) {
  const auto link = must(identity_.issue_setup_link(kHome));
  const auto made = must(identity_.set_up(set_up_request(link.code), kHome));
  for (const auto& entry : std::filesystem::directory_iterator(world_.folder())) {
    std::ostringstream content;
    content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    for (const SecretText* secret : {&link.code, &made.value.text}) {
      EXPECT_EQ(content.str().find(secret->reveal(RevealSecret{})), std::string::npos);
    }
    EXPECT_EQ(content.str().find(kPassword), std::string::npos) << entry.path();
  }
}

TEST_F(IdentityTest, SetUpLinkEndsWithTheNextOneAndInTime) {
  const auto first = must(identity_.issue_setup_link(kHome));
  const auto second = must(identity_.issue_setup_link(kHome));
  EXPECT_EQ(identity_.inspect_link(first.code, kHome).error().code, ErrorCode::link_unknown);
  world_.clock.advance(hours(24) - Milliseconds(1));
  EXPECT_EQ(must(identity_.inspect_link(second.code, kHome)).kind, store::LinkKind::setup);
  world_.clock.advance(Milliseconds(1));
  EXPECT_EQ(identity_.inspect_link(second.code, kHome).error().code, ErrorCode::link_unknown);
  EXPECT_EQ(identity_.set_up(set_up_request(second.code), kHome).error().code,
            ErrorCode::link_unknown);
}

TEST_F(IdentityTest, SetUpIsRefusedWhereThereAreAlreadyPeople) {
  const auto link = must(identity_.issue_setup_link(kHome));
  add_person("ada");
  EXPECT_EQ(identity_.set_up(set_up_request(link.code), kHome).error().code, ErrorCode::conflict);
}

TEST_F(IdentityTest, SetUpNamesTheFieldAndKeepsTheLink) {
  const auto link = must(identity_.issue_setup_link(kHome));
  const auto before = head();
  service::SetUp request = set_up_request(link.code);
  request.password = SecretText("short");
  EXPECT_EQ(identity_.set_up(request, kHome).error().field, "password");
  request = set_up_request(link.code);
  request.email = "nobody";
  EXPECT_EQ(identity_.set_up(request, kHome).error().field, "email");
  request = set_up_request(link.code);
  request.organization = "-";
  EXPECT_EQ(identity_.set_up(request, kHome).error().field, "organization");
  EXPECT_EQ(head(), before);
  EXPECT_TRUE(must(identity_.needs_set_up()));
  EXPECT_TRUE(identity_.inspect_link(link.code, kHome));
}

TEST_F(IdentityTest, RefusedSignInsLookAlikeAndAreNotInTheLog) {
  add_person("ada");
  const auto eve = add_person("eve");
  world_.add_person("no-password");
  world_.set_person_state(eve, core::PersonState::disabled);
  const auto before = head();
  const auto wrong = sign_in("ada", "wrong horse battery");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::sign_in_refused);
  for (const char* name : {"nobody", "eve", "no-password"}) {
    const auto refused = sign_in(name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, wrong.error().code) << name;
    EXPECT_EQ(refused.error().message, wrong.error().message) << name;
    EXPECT_EQ(refused.error().field, "") << name;
    EXPECT_EQ(refused.error().detail, "") << name;
  }
  EXPECT_EQ(head(), before);
  EXPECT_TRUE(sign_in("ada"));
  EXPECT_THAT(actions_after(before), ::testing::ElementsAre("Person.SignInEvent"));
}

TEST_F(IdentityTest, GuessingIsSlowedPerAccountAndNeverForGood) {
  add_person("ada");
  IdentityOptions options;
  options.per_account = {.burst = 2, .refill = Milliseconds(30'000), .keys_max = 100};
  Identity identity(world_.dependencies(), options);
  const auto guess = [&](std::string_view password, const std::string& address) {
    return identity.sign_in("ada@example.org", SecretText(password), from(address));
  };
  EXPECT_EQ(guess("wrong one", "198.51.100.1").error().code, ErrorCode::sign_in_refused);
  EXPECT_EQ(guess("wrong two", "198.51.100.2").error().code, ErrorCode::sign_in_refused);
  const auto throttled = guess(kPassword, "198.51.100.3");
  ASSERT_FALSE(throttled);
  EXPECT_EQ(throttled.error().code, ErrorCode::too_many_attempts);
  EXPECT_EQ(throttled.error().detail, "30");
  world_.clock.advance(Milliseconds(30'000));
  EXPECT_TRUE(guess(kPassword, "192.0.2.7"));
  EXPECT_EQ(guess("wrong three", "198.51.100.1").error().code, ErrorCode::sign_in_refused)
      << "a success gives the account all its attempts back";
  EXPECT_EQ(guess("wrong four", "198.51.100.1").error().code, ErrorCode::sign_in_refused);
  EXPECT_EQ(guess("wrong five", "198.51.100.1").error().code, ErrorCode::too_many_attempts);
  EXPECT_TRUE(guess(kPassword, "192.0.2.7")) << "where she is signed in, a bucket of her own";
}

TEST_F(IdentityTest, GuessingIsSlowedPerAddress) {
  IdentityOptions options;
  options.per_address = {.burst = 1, .refill = Milliseconds(3'000), .keys_max = 100};
  Identity identity(world_.dependencies(), options);
  const SecretText code("lkl_0123456789012345678901234567890123456789012");
  const auto look = [&](const std::string& address) {
    return identity.inspect_link(code, from(address)).error().code;
  };
  EXPECT_EQ(look("2001:db8:1:2::1"), ErrorCode::link_unknown);
  EXPECT_EQ(look("2001:db8:1:2:ffff::9"), ErrorCode::too_many_attempts) << "the same /64";
  EXPECT_EQ(look("2001:db8:1:3::1"), ErrorCode::link_unknown);
  EXPECT_EQ(look("198.51.100.1"), ErrorCode::link_unknown);
  EXPECT_EQ(look("::ffff:198.51.100.1"), ErrorCode::too_many_attempts);
  EXPECT_EQ(look("198.51.100.2"), ErrorCode::link_unknown);
}

TEST_F(IdentityTest, SessionEndsWhenIdleExactlyAndUseKeepsIt) {
  add_person("ada");
  const auto session = must(sign_in("ada"));
  world_.clock.advance(hours(12) - Milliseconds(1));
  EXPECT_TRUE(is_live(session.text));
  world_.clock.advance(hours(12) - Milliseconds(1));
  EXPECT_TRUE(is_live(session.text));
  world_.clock.advance(hours(12));
  EXPECT_FALSE(is_live(session.text));
}

TEST_F(IdentityTest, SessionEndsAtItsAbsoluteLimitHoweverItIsUsed) {
  add_person("ada");
  const auto session = must(sign_in("ada"));
  for (int used = 0; used < 15; ++used) {
    world_.clock.advance(hours(11));
    ASSERT_TRUE(is_live(session.text)) << used;
  }
  world_.clock.advance(hours(7 * 24 - 15 * 11) - Milliseconds(1));
  EXPECT_TRUE(is_live(session.text));
  world_.clock.advance(Milliseconds(1));
  const auto ended = identity_.authenticate_session(session.text, kHome);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::session_unknown);
}

TEST_F(IdentityTest, SessionIsTouchedAtMostOnceAMinuteAndWithoutAnEvent) {
  add_person("ada");
  const auto session = must(sign_in("ada"));
  const auto actor = must(identity_.authenticate_session(session.text, kHome));
  const auto before = head();
  const Instant start = world_.clock.now();
  world_.clock.advance(minutes(1) - Milliseconds(1));
  EXPECT_TRUE(is_live(session.text));
  EXPECT_EQ(must(identity_.sessions(actor))[0].last_seen_at, start);
  world_.clock.advance(Milliseconds(1));
  EXPECT_TRUE(is_live(session.text));
  EXPECT_EQ(must(identity_.sessions(actor))[0].last_seen_at, start + minutes(1));
  EXPECT_EQ(head(), before);
}

TEST_F(IdentityTest, TextsThatAreNoSessionOfOursAreUnknown) {
  for (const char* text : {"", "lks_", "lkl_0123456789012345678901234567890123456789012",
                           "lks_0123456789012345678901234567890123456789012"}) {
    const auto refused = identity_.authenticate_session(SecretText(text), kHome);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::session_unknown) << text;
  }
}

TEST_F(IdentityTest, SessionsAreListedAndEnded) {
  add_person("ada");
  add_person("bob");
  const auto first = must(sign_in("ada"));
  const auto second = must(sign_in("ada"));
  const auto third = must(sign_in("ada"));
  const auto bobs = must(sign_in("bob"));
  const auto actor = must(identity_.authenticate_session(first.text, kHome));
  EXPECT_EQ(must(identity_.sessions(actor)).size(), 3u);
  EXPECT_EQ(identity_.end_session(actor, bobs.session.id).error().code,
            ErrorCode::session_not_found);
  const auto before = head();
  EXPECT_TRUE(identity_.end_session(actor, second.session.id));
  EXPECT_FALSE(is_live(second.text));
  EXPECT_TRUE(identity_.end_other_sessions(actor));
  EXPECT_FALSE(is_live(third.text));
  EXPECT_TRUE(is_live(first.text));
  EXPECT_TRUE(is_live(bobs.text));
  EXPECT_TRUE(identity_.end_other_sessions(actor)) << "nothing to end is no error and no event";
  EXPECT_THAT(actions_after(before),
              ::testing::ElementsAre("Session.EndEvent", "Session.EndEvent"));
}

TEST_F(IdentityTest, ChangingThePasswordTakesTheOldOneAndEndsTheOtherSessions) {
  add_person("ada");
  const auto other = must(sign_in("ada"));
  const auto actor = signed_in("ada");
  const SecretText fresh("a new and better secret");
  EXPECT_EQ(identity_.change_password(actor, SecretText("wrong"), fresh).error().code,
            ErrorCode::sign_in_refused);
  EXPECT_EQ(
      identity_.change_password(actor, SecretText(kPassword), SecretText("short")).error().field,
      "password");
  EXPECT_TRUE(is_live(other.text));
  ASSERT_TRUE(identity_.change_password(actor, SecretText(kPassword), fresh));
  EXPECT_FALSE(is_live(other.text));
  EXPECT_TRUE(identity_.me(actor));
  EXPECT_EQ(must(identity_.sessions(actor)).size(), 1u);
  EXPECT_FALSE(sign_in("ada"));
  EXPECT_TRUE(sign_in("ada", "a new and better secret"));
}

TEST_F(IdentityTest, OldPasswordsAreNotGuessedThroughASession) {
  add_person("ada");
  IdentityOptions options;
  options.per_account.burst = 1;
  Identity identity(world_.dependencies(), options);
  const auto actor = signed_in("ada");
  const SecretText fresh("a new and better secret");
  EXPECT_EQ(identity.change_password(actor, SecretText("wrong"), fresh).error().code,
            ErrorCode::sign_in_refused);
  EXPECT_EQ(identity.change_password(actor, SecretText(kPassword), fresh).error().code,
            ErrorCode::too_many_attempts);
}

TEST_F(IdentityTest, OnlySignedInPeopleHaveAnAccountOfTheirOwn) {
  const auto ada = add_person("ada");
  const auto token = ActorForTests::token({ada, {}, {}, core::ScopeSet::all()});
  for (const Actor& actor : {token, ActorForTests::console()}) {
    EXPECT_EQ(identity_.me(actor).error().code, ErrorCode::credential_kind_refused);
    EXPECT_EQ(identity_.sessions(actor).error().code, ErrorCode::credential_kind_refused);
    EXPECT_EQ(identity_.end_other_sessions(actor).error().code, ErrorCode::credential_kind_refused);
    EXPECT_EQ(identity_.change_display_name(actor, "x").error().code,
              ErrorCode::credential_kind_refused);
  }
}

TEST_F(IdentityTest, DisplayNameIsCheckedAndChanged) {
  add_person("ada");
  const auto actor = signed_in("ada");
  EXPECT_EQ(identity_.change_display_name(actor, "a\nb").error().field, "displayName");
  ASSERT_TRUE(identity_.change_display_name(actor, "Ada, Countess"));
  EXPECT_EQ(must(identity_.me(actor)).display_name, "Ada, Countess");
}

TEST_F(IdentityTest, ResetLinkSetsThePasswordOnceAndEndsAllSessions) {
  const auto ada = add_person("ada");
  const auto session = must(sign_in("ada"));
  const auto console = ActorForTests::console();
  const auto first = must(identity_.issue_reset_link(console, ada));
  const auto link = must(identity_.issue_reset_link(console, ada));
  const SecretText fresh("a new and better secret");
  EXPECT_EQ(identity_.reset_password(first.code, fresh, kHome).error().code,
            ErrorCode::link_unknown);
  EXPECT_EQ(must(identity_.inspect_link(link.code, kHome)).email, "ada@example.org");
  EXPECT_EQ(identity_.reset_password(link.code, SecretText("short"), kHome).error().field,
            "password");
  ASSERT_TRUE(identity_.reset_password(link.code, fresh, kHome));
  EXPECT_FALSE(is_live(session.text));
  EXPECT_TRUE(sign_in("ada", "a new and better secret"));
  EXPECT_EQ(identity_.reset_password(link.code, fresh, kHome).error().code,
            ErrorCode::link_unknown);

  const auto late = must(identity_.issue_reset_link(console, ada));
  world_.clock.advance(hours(1));
  EXPECT_EQ(identity_.reset_password(late.code, fresh, kHome).error().code,
            ErrorCode::link_unknown);
  EXPECT_EQ(identity_.issue_reset_link(ActorForTests::session(ada), ada).error().code,
            ErrorCode::permission_denied);
}

}  // namespace
}  // namespace latchkey::service
