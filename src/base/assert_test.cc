#include "base/assert.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(Assert, LetsWhatHoldsPassAndEvaluatesItOnce) {
  int evaluated = 0;
  LK_ASSERT(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(AssertDeathTest, AbortsWithFileAndConditionOnly) {
  const int secret_number = 4711;
  EXPECT_DEATH(LK_ASSERT(secret_number == 0),
               "assert_test\\.cc:[0-9]+: assertion failed: secret_number == 0\n$");
}

}  // namespace
}  // namespace latchkey
