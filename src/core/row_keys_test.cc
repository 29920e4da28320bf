#include "core/row_keys.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/bytes.h"

namespace latchkey::core {
namespace {

Hmac key_of(uint8_t byte) {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes;
  bytes.fill(byte);
  return Hmac(SecretKey(bytes));
}

Digest sign(const Hmac& key) { return key(as_bytes("row")); }

TEST(RowKeys, TheNewestIsCurrent) {
  const RowKeys keys(
      {{RowKeyId{2}, key_of(2)}, {RowKeyId{4}, key_of(4)}, {RowKeyId{3}, key_of(3)}});
  EXPECT_EQ(keys.now()->current_id(), RowKeyId{4});
  const RowKeyView view(keys);
  EXPECT_EQ(sign(view.current()), sign(key_of(4)));
  EXPECT_EQ(view.numbers(), "4, 3, 2");
}

TEST(RowKeys, EachThatIsHereVerifies) {
  const RowKeys keys({{RowKeyId{1}, key_of(1)}, {RowKeyId{2}, key_of(2)}});
  const RowKeyView view(keys);
  EXPECT_TRUE(view.verifies(sign(key_of(1)), sign));
  EXPECT_TRUE(view.verifies(sign(key_of(2)), sign));
  EXPECT_FALSE(view.verifies(sign(key_of(3)), sign));
  EXPECT_FALSE(view.verifies({}, sign));
  EXPECT_TRUE(view.is_current(sign(key_of(2)), sign));
  EXPECT_FALSE(view.is_current(sign(key_of(1)), sign));
}

// What a transaction reads may be signed with a key that was removed after it began, or with one
// that came after.
TEST(RowKeys, AViewKnowsTheKeysOfItsBeginAndThoseSince) {
  RowKeys keys({{RowKeyId{1}, key_of(1)}});
  const RowKeyView before(keys);
  keys.add(RowKeyId{2}, key_of(2));
  keys.remove(RowKeyId{1});
  EXPECT_TRUE(before.verifies(sign(key_of(1)), sign));
  EXPECT_TRUE(before.verifies(sign(key_of(2)), sign));
  EXPECT_EQ(before.current_id(), RowKeyId{1});
  const RowKeyView after(keys);
  EXPECT_FALSE(after.verifies(sign(key_of(1)), sign));
  EXPECT_TRUE(after.verifies(sign(key_of(2)), sign));
  EXPECT_EQ(after.current_id(), RowKeyId{2});
}

TEST(RowKeys, ReadersGoOnWhileKeysComeAndGo) {
  RowKeys keys({{RowKeyId{1}, key_of(1)}});
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const RowKeyView view(keys);
        if (!view.verifies(sign(view.current()), sign)) ++wrong;
        if (view.verifies(sign(key_of(200)), sign)) ++wrong;
      }
    });
  }
  for (uint8_t number = 2; number < 200; ++number) {
    keys.add(RowKeyId{number}, key_of(number));
    keys.remove(RowKeyId{number - 1u});
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(RowKeysDeathTest, TheCurrentOneStays) {
  RowKeys keys({{RowKeyId{1}, key_of(1)}, {RowKeyId{2}, key_of(2)}});
  EXPECT_DEATH(keys.remove(RowKeyId{2}), "assertion failed");
  EXPECT_DEATH(keys.remove(RowKeyId{3}), "assertion failed");
  EXPECT_DEATH(keys.add(RowKeyId{2}, key_of(3)), "assertion failed");
}

}  // namespace
}  // namespace latchkey::core
