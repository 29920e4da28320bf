#include "core/digest_keys.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace latchkey::core {
namespace {

Hmac key_of(uint8_t byte) {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes;
  bytes.fill(byte);
  return Hmac(SecretKey(bytes));
}

DigestKeyId id_of(const char* text) { return *parse_digest_key_id(text); }

std::vector<std::pair<DigestKeyId, Hmac>> two_keys() {
  std::vector<std::pair<DigestKeyId, Hmac>> keys;
  keys.emplace_back(id_of("AA"), key_of(1));
  keys.emplace_back(id_of("AB"), key_of(2));
  return keys;
}

TEST(DigestKeys, FindsEachKeyByItsId) {
  const DigestKeys keys(two_keys(), id_of("AB"));
  const auto data = as_bytes("text");
  ASSERT_NE(keys.find(id_of("AA")), nullptr);
  EXPECT_EQ((*keys.find(id_of("AA")))(data), key_of(1)(data));
  ASSERT_NE(keys.find(id_of("AB")), nullptr);
  EXPECT_EQ((*keys.find(id_of("AB")))(data), key_of(2)(data));
}

TEST(DigestKeys, AnIdThatIsNotHereHasNoKey) {
  const DigestKeys keys(two_keys(), id_of("AA"));
  EXPECT_EQ(keys.find(id_of("aa")), nullptr);
  EXPECT_EQ(keys.find(id_of("BA")), nullptr);
}

TEST(DigestKeys, NewTokensTakeTheCurrentKey) {
  EXPECT_EQ(DigestKeys(two_keys(), id_of("AB")).current_id(), id_of("AB"));
}

TEST(DigestKeysDeathTest, TheCurrentKeyMustBeThere) {
  EXPECT_DEATH(DigestKeys(two_keys(), id_of("ZZ")), "assertion failed");
}

}  // namespace
}  // namespace latchkey::core
