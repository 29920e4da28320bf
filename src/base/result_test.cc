#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace latchkey {
namespace {

Result<int> parse(int number) {
  if (number < 0) return Error(ErrorCode::invalid_argument, "negative", "number");
  return number;
}

Result<void> check(int number) {
  LK_CHECK(parse(number).has_value() ? Result<void>() : Error(ErrorCode::conflict));
  return {};
}

Result<std::string> sum(int a, int b) {
  LK_TRY(const int first, parse(a));
  LK_TRY(const int second, parse(b));
  LK_CHECK(check(first + second));
  return std::to_string(first + second);
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = parse(3);
  ASSERT_TRUE(good);
  EXPECT_TRUE(good.has_value());
  EXPECT_EQ(*good, 3);
  const Result<int> bad = parse(-3);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(bad.error().field, "number");
}

TEST(Result, OfVoidIsGoodUnlessGivenAnError) {
  EXPECT_TRUE(Result<void>());
  EXPECT_TRUE(check(1));
  EXPECT_EQ(check(-1).error().code, ErrorCode::conflict);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  EXPECT_EQ(**result, 5);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

TEST(Result, ReachesMembers) {
  Result<std::string> text = std::string("abc");
  EXPECT_EQ(text->size(), 3u);
  text->push_back('d');
  EXPECT_EQ(*text, "abcd");
}

TEST(Try, PassesValuesOnAndTheFirstErrorUp) {
  EXPECT_EQ(*sum(1, 2), "3");
  EXPECT_EQ(sum(-1, 2).error().message, "negative");
  EXPECT_EQ(sum(1, -2).error().message, "negative");
}

TEST(Check, EvaluatesOnceAndReturnsTheError) {
  int calls = 0;
  const auto count = [&](bool good) -> Result<void> {
    ++calls;
    return good ? Result<void>() : Error(ErrorCode::timed_out);
  };
  const auto both = [&](bool first, bool second) -> Result<int> {
    LK_CHECK(count(first));
    LK_CHECK(count(second));
    return 1;
  };
  EXPECT_TRUE(both(true, true));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(both(false, true).error().code, ErrorCode::timed_out);
  EXPECT_EQ(calls, 3);
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  EXPECT_DEATH(static_cast<void>(*parse(-1)), "assertion failed");
  EXPECT_DEATH(static_cast<void>(parse(1).error()), "assertion failed");
  EXPECT_DEATH(static_cast<void>(Result<void>().error()), "assertion failed");
}

}  // namespace
}  // namespace latchkey
