#include "base/secret.h"

#include <gtest/gtest.h>

#include <cstring>
#include <type_traits>
#include <utility>

namespace latchkey {
namespace {

constexpr std::string_view kShort = "short secret";  // lives inside the object
const std::string kLong = std::string(100, 'x') + "long secret";

// The bytes of the object itself, where a short string lives.
template <class T>
std::string memory_of(const T& object) {
  std::string bytes(sizeof object, '\0');
  std::memcpy(bytes.data(), static_cast<const void*>(&object), sizeof object);
  return bytes;
}

TEST(SecretText, HoldsItsText) {
  const SecretText secret(kShort);
  EXPECT_EQ(secret.reveal(RevealSecret{}), kShort);
  EXPECT_EQ(secret.size(), kShort.size());
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(SecretText().empty());
}

TEST(SecretText, TakeWipesWhatItTakesFrom) {
  std::string text(kShort);
  const char* const memory = text.data();
  const SecretText secret = SecretText::take(std::move(text));
  EXPECT_EQ(secret.reveal(RevealSecret{}), kShort);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(memory, kShort.size()), std::string(kShort.size(), '\0'));
}

TEST(SecretText, MovingLeavesNothingBehind) {
  for (const std::string_view text : {kShort, std::string_view(kLong)}) {
    SecretText from(text);
    const SecretText to(std::move(from));
    EXPECT_EQ(to.reveal(RevealSecret{}), text);
    EXPECT_TRUE(from.empty());
    EXPECT_EQ(memory_of(from).find("secret"), std::string::npos);
  }
}

TEST(SecretText, MoveAssignmentLeavesNothingBehind) {
  for (const std::string_view text : {kShort, std::string_view(kLong)}) {
    for (const std::string_view before : {kShort, std::string_view(kLong), std::string_view()}) {
      SecretText from(text), to(before);
      to = std::move(from);
      EXPECT_EQ(to.reveal(RevealSecret{}), text);
      EXPECT_TRUE(from.empty());
      EXPECT_EQ(memory_of(from).find("secret"), std::string::npos);
    }
  }
}

TEST(SecretText, MoveAssignmentToItselfKeepsIt) {
  SecretText secret(kShort);
  SecretText& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(RevealSecret{}), kShort);
}

TEST(SecretText, EndingWipesIt) {
  alignas(SecretText) char memory[sizeof(SecretText)];
  auto* secret = new (memory) SecretText(kShort);
  EXPECT_NE(std::string_view(memory, sizeof memory).find(kShort), std::string_view::npos);
  secret->~SecretText();
  EXPECT_EQ(std::string_view(memory, sizeof memory).find("secret"), std::string_view::npos);
}

TEST(SecretText, CloneIsASecondCopy) {
  SecretText secret(kShort);
  const SecretText copy = secret.clone();
  secret = SecretText();
  EXPECT_EQ(copy.reveal(RevealSecret{}), kShort);
}

TEST(SecretText, ComparesContents) {
  EXPECT_TRUE(SecretText("abc") == SecretText("abc"));
  EXPECT_FALSE(SecretText("abc") == SecretText("abd"));
  EXPECT_FALSE(SecretText("abc") == SecretText("ab"));
  EXPECT_TRUE(SecretText() == SecretText(""));
}

static_assert(!std::is_copy_constructible_v<SecretText>);
static_assert(!std::is_copy_assignable_v<SecretText>);
static_assert(!std::is_convertible_v<std::string_view, SecretText>);
static_assert(!std::is_copy_constructible_v<SecretKey>);
static_assert(!std::is_copy_assignable_v<SecretKey>);

std::array<uint8_t, 32> key_bytes(uint8_t value) {
  std::array<uint8_t, 32> bytes;
  bytes.fill(value);
  return bytes;
}

TEST(SecretKey, MovingLeavesNothingBehind) {
  SecretKey from(key_bytes('k'));
  SecretKey to(std::move(from));
  EXPECT_EQ(to.reveal(RevealSecret{})[31], 'k');
  EXPECT_EQ(memory_of(from), std::string(32, '\0'));
  SecretKey other(key_bytes('o'));
  other = std::move(to);
  EXPECT_EQ(other.reveal(RevealSecret{})[0], 'k');
  EXPECT_EQ(memory_of(to), std::string(32, '\0'));
  SecretKey& same = other;
  other = std::move(same);
  EXPECT_EQ(other.reveal(RevealSecret{})[0], 'k');
}

TEST(SecretKey, EndingWipesIt) {
  alignas(SecretKey) char memory[sizeof(SecretKey)];
  auto* key = new (memory) SecretKey(key_bytes('k'));
  key->~SecretKey();
  EXPECT_EQ(std::string(memory, sizeof memory), std::string(sizeof memory, '\0'));
}

TEST(ConstantTimeEqual, ComparesLengthAndContents) {
  const uint8_t a[] = {1, 2, 3}, b[] = {1, 2, 3}, c[] = {1, 2, 4}, d[] = {9, 2, 3};
  EXPECT_TRUE(constant_time_equal(a, b));
  EXPECT_FALSE(constant_time_equal(a, c));
  EXPECT_FALSE(constant_time_equal(a, d));
  EXPECT_FALSE(constant_time_equal(a, std::span(b).first(2)));
  EXPECT_TRUE(constant_time_equal({}, {}));
}

}  // namespace
}  // namespace latchkey
