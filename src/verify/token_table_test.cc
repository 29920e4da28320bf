#include "verify/token_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <unordered_map>

#include "verify/feed_for_test.h"

namespace latchkey::verify {
namespace {

Digest digest_for_test(std::mt19937_64& random) {
  Digest digest;
  for (uint8_t& byte : digest) byte = static_cast<uint8_t>(random());
  return digest;
}

TokenEntry entry_for_test(uint64_t id) {
  TokenEntry entry;
  entry.id = id_for_test<core::TokenId>(id);
  entry.membership = static_cast<uint32_t>(id % TokenTable::kMembershipsMax);
  entry.scope_set = static_cast<uint32_t>(id % TokenTable::kScopeSetsMax);
  entry.valid_to = {1'780'000'000'000 + static_cast<int64_t>(id)};
  return entry;
}

// What the table should give back for `entry`.
void expect_same(const TokenEntry& entry, const TokenEntry& found) {
  ASSERT_EQ(found.id, entry.id);
  ASSERT_EQ(found.membership, entry.membership);
  ASSERT_EQ(found.state, entry.state);
  ASSERT_EQ(found.scope_set, entry.state == EntryState::live ? entry.scope_set : 0);
  ASSERT_EQ(found.valid_to, entry.state == EntryState::live ? entry.valid_to : Instant{});
}

class TokenTableTest : public testing::Test {
 protected:
  ReadProtection protection_;
  TokenTable table_{protection_};
};

TEST_F(TokenTableTest, EmptyTableHasNothing) {
  EXPECT_FALSE(table_.find(Digest{}));
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(TokenTableTest, DigestOfZerosIsAnOrdinaryOne) {
  const Digest zeros{};
  ASSERT_TRUE(table_.put(zeros, entry_for_test(1), TokenTable::Growth::frugal));
  ASSERT_TRUE(table_.find(zeros));
  Digest other = zeros;
  other[9] = 1;
  EXPECT_FALSE(table_.find(other));
}

TEST_F(TokenTableTest, Compares80Bits) {
  std::mt19937_64 random(3);
  const Digest digest = digest_for_test(random);
  ASSERT_TRUE(table_.put(digest, entry_for_test(1), TokenTable::Growth::frugal));
  for (size_t bit = 0; bit < 256; ++bit) {
    Digest changed = digest;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
    const bool is_compared = bit < 64 + 4 || (bit >= 72 && bit < 84);
    EXPECT_EQ(table_.find(changed).has_value(), !is_compared) << bit;
  }
}

TEST_F(TokenTableTest, KeepsExtremeValues) {
  std::mt19937_64 random(4);
  TokenEntry entry = entry_for_test(1);
  entry.membership = TokenTable::kMembershipsMax - 1;
  entry.scope_set = TokenTable::kScopeSetsMax - 1;
  entry.valid_to = {1'577'836'800'000 + (int64_t{1} << 42) - 1};
  const Digest digest = digest_for_test(random);
  ASSERT_TRUE(table_.put(digest, entry, TokenTable::Growth::frugal));
  expect_same(entry, *table_.find(digest));
}

TEST_F(TokenTableTest, AnotherTokenWithTheSameDigestIsRefused) {
  std::mt19937_64 random(5);
  const Digest digest = digest_for_test(random);
  ASSERT_TRUE(table_.put(digest, entry_for_test(1), TokenTable::Growth::frugal));
  const auto result = table_.put(digest, entry_for_test(2), TokenTable::Growth::frugal);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::integrity_violated);
  expect_same(entry_for_test(1), *table_.find(digest));
}

// Tags that share their upper bits share a bucket: they run over into the next ones, over the end
// too.
TEST_F(TokenTableTest, FullBucketsRunOver) {
  std::mt19937_64 random(6);
  std::vector<Digest> digests;
  for (uint64_t i = 0; i < 40; ++i) {
    Digest digest = digest_for_test(random);
    for (size_t byte = 4; byte < 8; ++byte) digest[byte] = 0xff;  // the last bucket
    digest[8] = 0;
    digests.push_back(digest);
    ASSERT_TRUE(table_.put(digest, entry_for_test(i), TokenTable::Growth::frugal));
  }
  for (uint64_t i = 0; i < 40; ++i) expect_same(entry_for_test(i), *table_.find(digests[i]));
  table_.fit();
  for (uint64_t i = 0; i < 40; ++i) expect_same(entry_for_test(i), *table_.find(digests[i]));
}

TEST_F(TokenTableTest, AgreesWithAMapOverRandomSteps) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::unordered_map<std::string, TokenEntry> model;
  std::vector<Digest> digests;
  const auto key = [](const Digest& digest) { return std::string(digest.begin(), digest.end()); };
  for (uint64_t step = 0; step < 100'000; ++step) {
    const uint64_t action = random() % 10;
    if (action < 5 || digests.empty()) {
      const Digest digest = digest_for_test(random);
      const TokenEntry entry = entry_for_test(step);
      const auto growth =
          random() % 2 == 0 ? TokenTable::Growth::loading : TokenTable::Growth::frugal;
      ASSERT_TRUE(table_.put(digest, entry, growth));
      model[key(digest)] = entry;
      digests.push_back(digest);
    } else if (action < 7) {
      const Digest& digest = digests[random() % digests.size()];
      TokenEntry& entry = model[key(digest)];
      entry.scope_set = static_cast<uint32_t>(random() % TokenTable::kScopeSetsMax);
      entry.valid_to.ms += 1;
      entry.state = static_cast<EntryState>(random() % 3);
      ASSERT_TRUE(table_.put(digest, entry, TokenTable::Growth::frugal));
    } else if (action < 9) {
      const Digest& digest = digests[random() % digests.size()];
      const auto found = table_.find(digest);
      ASSERT_TRUE(found);
      expect_same(model[key(digest)], *found);
    } else {
      ASSERT_FALSE(table_.find(digest_for_test(random)));
    }
    if (step % 20'000 == 19'999) table_.fit();
  }
  EXPECT_EQ(table_.size(), model.size());
  for (const Digest& digest : digests) expect_same(model[key(digest)], *table_.find(digest));
}

}  // namespace
}  // namespace latchkey::verify
