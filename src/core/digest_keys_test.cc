#include "core/digest_keys.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

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

Digest digest_under(uint8_t byte, std::string_view text) { return key_of(byte)(as_bytes(text)); }

TEST(DigestKeys, DigestsUnderTheKeyOfTheId) {
  const DigestKeys keys(two_keys(), id_of("AB"));
  EXPECT_EQ(keys.digest_of(id_of("AA"), "text"), digest_under(1, "text"));
  EXPECT_EQ(keys.digest_of(id_of("AB"), "text"), digest_under(2, "text"));
  const std::string long_text(500, 'x');
  EXPECT_EQ(keys.digest_of(id_of("AB"), long_text), digest_under(2, long_text));
}

TEST(DigestKeys, AnIdThatIsNotHereHasNoKey) {
  const DigestKeys keys(two_keys(), id_of("AA"));
  EXPECT_EQ(keys.digest_of(id_of("aa"), "text"), std::nullopt);
  EXPECT_EQ(keys.digest_of(id_of("BA"), "text"), std::nullopt);
  EXPECT_EQ(keys.digest_of(DigestKeyId{{'\0', '\0'}}, "text"), std::nullopt);
}

TEST(DigestKeys, NewTokensTakeTheCurrentKey) {
  DigestKeys keys(two_keys(), id_of("AB"));
  EXPECT_EQ(keys.current_id(), id_of("AB"));
  keys.make_current(id_of("AA"));
  EXPECT_EQ(keys.current_id(), id_of("AA"));
}

TEST(DigestKeys, ComeAndGo) {
  DigestKeys keys(two_keys(), id_of("AB"));
  keys.add(id_of("AC"), key_of(3));
  EXPECT_EQ(keys.digest_of(id_of("AC"), "text"), digest_under(3, "text"));
  keys.make_current(id_of("AC"));
  keys.remove(id_of("AB"));
  EXPECT_EQ(keys.digest_of(id_of("AB"), "text"), std::nullopt);
  EXPECT_EQ(keys.digest_of(id_of("AA"), "text"), digest_under(1, "text"));
  EXPECT_EQ(keys.ids(), (std::vector{id_of("AA"), id_of("AC")}));
  // For as long as one likes: a place that is free is taken again.
  std::vector<DigestKeyId> used = keys.ids();
  for (size_t i = 0; i < 3 * DigestKeys::kKeysMax; ++i) {
    const DigestKeyId next = *first_unused_id(used);
    const DigestKeyId before = keys.current_id();
    keys.add(next, key_of(static_cast<uint8_t>(i)));
    keys.make_current(next);
    keys.remove(before);
    used.push_back(next);
    EXPECT_EQ(keys.digest_of(next, "text"), digest_under(static_cast<uint8_t>(i), "text"));
  }
  EXPECT_EQ(keys.ids().size(), 2u);
}

TEST(DigestKeys, IdsAreTakenInOrderAndOnce) {
  EXPECT_EQ(first_unused_id({}), id_of("AA"));
  std::vector<DigestKeyId> used;
  for (int i = 0; i < 70; ++i) used.push_back(*first_unused_id(used));
  EXPECT_EQ(used[1], id_of("AB"));
  EXPECT_EQ(used[26], id_of("Aa"));
  EXPECT_EQ(used[61], id_of("A9"));
  EXPECT_EQ(used[62], id_of("BA"));
  used.erase(used.begin() + 5);
  EXPECT_EQ(first_unused_id(used), id_of("AF"));
}

TEST(DigestKeys, ThereIsNoIdWhenAllAreUsed) {
  const std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::vector<DigestKeyId> used;
  for (const char first : digits) {
    for (const char second : digits) used.push_back({{first, second}});
  }
  EXPECT_EQ(first_unused_id(used), std::nullopt);
  used.pop_back();
  EXPECT_EQ(first_unused_id(used), id_of("99"));
}

// A reader of a key that stays always gets its digest; one of a key that comes and goes gets the
// right digest, none, or one of no key, and never the other's.
TEST(DigestKeys, ReadersGoOnWhileKeysComeAndGo) {
  DigestKeys keys(two_keys(), id_of("AA"));
  keys.remove(id_of("AB"));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int> found{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        if (keys.digest_of(id_of("AA"), "text") != digest_under(1, "text")) ++wrong;
        if (keys.digest_of(keys.current_id(), "text") != digest_under(1, "text")) ++wrong;
        const auto of_b = keys.digest_of(id_of("AB"), "text");
        if (of_b == digest_under(1, "text") || of_b == digest_under(3, "text")) ++wrong;
        if (of_b == digest_under(2, "text")) ++found;
      }
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (int round = 0; round < 2'000 || (found == 0 && std::chrono::steady_clock::now() < deadline);
       ++round) {
    keys.add(id_of("AB"), key_of(2));
    if (round % 16 == 0) std::this_thread::yield();
    keys.remove(id_of("AB"));
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 0);
}

TEST(DigestKeysDeathTest, TheCurrentKeyMustBeThere) {
  EXPECT_DEATH(DigestKeys(two_keys(), id_of("ZZ")), "assertion failed");
  DigestKeys keys(two_keys(), id_of("AA"));
  EXPECT_DEATH(keys.remove(id_of("AA")), "assertion failed");
  EXPECT_DEATH(keys.add(id_of("AB"), key_of(3)), "assertion failed");
}

}  // namespace
}  // namespace latchkey::core
