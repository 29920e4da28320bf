#include "service/issued_secrets.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::service {
namespace {

constexpr Milliseconds kLife = std::chrono::minutes(10);

class IssuedSecretsTest : public testing::Test {
 protected:
  static Digest digest(uint8_t number) { return Digest{number}; }
  static core::PersonId person(uint8_t number) { return core::PersonId{Uuid{{number}}}; }
  void keep(uint8_t key, uint8_t owner, const std::string& text = "text") {
    IssuedToken issued;
    issued.token.id = core::TokenId{Uuid{{key}}};
    issued.token.owner = person(owner);
    issued.text = SecretText(text);
    ASSERT_TRUE(secrets.keep(digest(key), issued));
  }
  bool has(uint8_t key) { return secrets.find(digest(key)).has_value(); }

  FakeClock clock{{1'000'000'000}};
  SeededEntropy entropy{3};
  IssuedSecrets secrets{clock, entropy, {.life = kLife, .of_person_max = 3, .all_max = 5}};
};

TEST_F(IssuedSecretsTest, GivesWhatWasKeptAndMarksIt) {
  keep(1, 1, "first");
  keep(2, 1, "second");
  const auto found = secrets.find(digest(1));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->text == SecretText("first"));
  EXPECT_EQ(found->token.id, core::TokenId{Uuid{{1}}});
  EXPECT_TRUE(found->is_replay);
  EXPECT_FALSE(has(3));
}

TEST_F(IssuedSecretsTest, ReplacesWhatAKeyHad) {
  keep(1, 1, "first");
  keep(1, 1, "again");
  EXPECT_TRUE(secrets.find(digest(1))->text == SecretText("again"));
  EXPECT_EQ(secrets.size(), 1u);
}

TEST_F(IssuedSecretsTest, EndsAfterTenMinutesWhateverTheClockSays) {
  keep(1, 1);
  clock.set({0});
  clock.advance(kLife - Milliseconds(1));
  clock.set({9'000'000'000'000});
  EXPECT_TRUE(has(1));
  clock.set({0});
  clock.advance(Milliseconds(1));
  EXPECT_FALSE(has(1));
  EXPECT_EQ(secrets.size(), 0u);
}

TEST_F(IssuedSecretsTest, ForgetsWithoutBeingAsked) {
  keep(1, 1);
  clock.advance(kLife);
  EXPECT_EQ(secrets.size(), 1u);
  secrets.forget_old();
  EXPECT_EQ(secrets.size(), 0u);
}

TEST_F(IssuedSecretsTest, ForgetsTheOldestOfAPersonThatHasTooMany) {
  keep(9, 2);
  for (uint8_t key = 1; key <= 4; ++key) keep(key, 1);
  EXPECT_FALSE(has(1));
  for (const int key : {2, 3, 4, 9}) EXPECT_TRUE(has(static_cast<uint8_t>(key))) << key;
}

TEST_F(IssuedSecretsTest, ForgetsTheOldestOfAll) {
  for (uint8_t key = 1; key <= 6; ++key) keep(key, key);
  EXPECT_FALSE(has(1));
  for (uint8_t key = 2; key <= 6; ++key) EXPECT_TRUE(has(key)) << int{key};
  EXPECT_EQ(secrets.size(), 5u);
}

}  // namespace
}  // namespace latchkey::service
