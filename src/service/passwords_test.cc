#include "service/passwords.h"

#include <gtest/gtest.h>

#include <ctime>

namespace latchkey::service {
namespace {

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double seconds_of_verify(const std::string& hash) {
  const double before = thread_seconds();
  EXPECT_FALSE(verify_password(hash, SecretText("not it, whatever it is")));
  return thread_seconds() - before;
}

TEST(Passwords, HashIsArgon2idWithTheStatedCostAndChecksOnlyItsOwn) {
  const auto hash = hash_password(SecretText("correct horse battery"));
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *hash;
  EXPECT_TRUE(verify_password(*hash, SecretText("correct horse battery")));
  EXPECT_FALSE(verify_password(*hash, SecretText("correct horse batterY")));
  EXPECT_FALSE(verify_password(*hash, SecretText("")));
}

TEST(Passwords, NoHashIsNeverRightAndCostsTheSame) {
  const auto hash = hash_password(SecretText("correct horse battery"));
  ASSERT_TRUE(hash);
  seconds_of_verify(*hash);  // the first one pays for fresh memory
  const double real = seconds_of_verify(*hash);
  const double nobody = seconds_of_verify("");
  EXPECT_GT(nobody, real / 3);
  EXPECT_LT(nobody, real * 3);
}

TEST(Passwords, MalformedHashIsNeverRight) {
  EXPECT_FALSE(verify_password("$argon2id$v=19$m=19456", SecretText("anything")));
}

}  // namespace
}  // namespace latchkey::service
