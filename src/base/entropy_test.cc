#include "base/entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"

namespace latchkey {
namespace {

TEST(SystemEntropy, FillsAllAndNeverTheSame) {
  SystemEntropy entropy;
  std::set<Bytes> seen;
  for (int i = 0; i < 1000; ++i) {
    Bytes bytes(16);
    ASSERT_TRUE(entropy.fill(bytes));
    EXPECT_TRUE(seen.insert(bytes).second);
  }
}

// getrandom gives at most 32 MiB at once and may stop after 256 bytes: the rest must follow.
TEST(SystemEntropy, FillsLargeBuffersToTheEnd) {
  SystemEntropy entropy;
  Bytes bytes(1 << 20);
  ASSERT_TRUE(entropy.fill(bytes));
  for (size_t begin = 0; begin < bytes.size(); begin += 64) {
    const auto part = std::span(bytes).subspan(begin, 64);
    ASSERT_FALSE(std::all_of(part.begin(), part.end(), [](uint8_t b) { return b == 0; })) << begin;
  }
}

TEST(SystemEntropy, FillsNothingIntoNothing) {
  SystemEntropy entropy;
  EXPECT_TRUE(entropy.fill({}));
}

TEST(SeededEntropy, RepeatsForOneSeedOnly) {
  SeededEntropy first(7), again(7), other(8);
  Bytes a(40), b(40), c(40), d(40);
  ASSERT_TRUE(first.fill(a));
  ASSERT_TRUE(again.fill(b));
  ASSERT_TRUE(other.fill(c));
  ASSERT_TRUE(first.fill(d));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(a, d) << "the stream must go on";
  EXPECT_NE(Bytes(a.begin(), a.begin() + 8), Bytes(a.begin() + 32, a.end()));
}

}  // namespace
}  // namespace latchkey
