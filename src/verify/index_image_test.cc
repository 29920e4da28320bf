#include "verify/index_image.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/entropy.h"

namespace latchkey::verify {
namespace {

struct KeptBlock {
  ImagePart part;
  uint32_t shard;
  std::vector<uint8_t> bytes;
};

// An image in memory.
struct Kept {
  ImageTotals totals;
  std::vector<KeptBlock> blocks;

  ImageSource source() const {
    return [this](const ImageSink& sink) -> Result<void> {
      for (const KeptBlock& block : blocks) {
        LK_CHECK(sink({block.part, block.shard, block.bytes}));
      }
      return {};
    };
  }
};

class IndexImage : public testing::Test {
 protected:
  static core::OrganizationId organization(uint8_t number) {
    core::OrganizationId id;
    id.uuid.bytes[15] = number;
    return id;
  }
  static core::PersonId person(uint8_t number) {
    core::PersonId id;
    id.uuid.bytes[15] = number;
    return id;
  }
  // The token `number`, always the same but for its state.
  static TokenItem token(uint32_t number, core::TokenState state = core::TokenState::live) {
    TokenItem item;
    std::memcpy(item.id.uuid.bytes.data(), &number, sizeof number);
    item.organization = organization(static_cast<uint8_t>(1 + number % 3));
    item.owner = person(static_cast<uint8_t>(1 + number % 5));
    SeededEntropy entropy(number);
    (void)entropy.fill(item.digest);
    item.scopes.add({static_cast<uint8_t>(number % 7)});
    item.valid_to = {1'800'000'000'000 + number};
    item.state = state;
    return item;
  }
  void fill(Index& index, uint32_t tokens) {
    for (uint8_t o = 1; o <= 3; ++o) {
      ASSERT_TRUE(index.apply(OrganizationItem{organization(o), "org" + std::to_string(o), true},
                              TokenTable::Growth::loading));
    }
    for (uint8_t p = 1; p <= 6; ++p) {
      ASSERT_TRUE(
          index.apply(MembershipItem{organization(1), person(p), p != 2, core::ScopeSet::all()},
                      TokenTable::Growth::loading));
    }
    for (uint32_t i = 0; i < tokens; ++i) {
      const auto state = i % 10 == 0 ? core::TokenState::revoked : core::TokenState::live;
      ASSERT_TRUE(index.apply(token(i, state), TokenTable::Growth::loading));
    }
    index.publish_names();
  }
  Kept take(const Index& index) {
    Kept kept;
    const auto access = [&](const std::function<void(const Index&)>& look) -> Result<void> {
      const auto guard = protection_.enter();
      look(index);
      return {};
    };
    const auto totals = take_image(access, [&](const ImageBlock& block) -> Result<void> {
      EXPECT_LE(block.bytes.size(), kImageBlockBytesMax);
      kept.blocks.push_back({block.part, block.shard, {block.bytes.begin(), block.bytes.end()}});
      return {};
    });
    EXPECT_TRUE(totals);
    kept.totals = *totals;
    return kept;
  }
  // What `index` says of the token `number`.
  std::string describe(const Index& index, uint32_t number) {
    const auto guard = protection_.enter();
    const auto entry = index.find_token(token(number).digest);
    if (!entry) return "none";
    if (entry->id != token(number).id) return "another";
    if (entry->state != EntryState::live) return "ended";
    const auto membership = index.membership_of(*entry);
    if (membership.organization != token(number).organization) return "of another organization";
    if (membership.person != token(number).owner) return "of another person";
    if (index.scopes_of(*entry) != token(number).scopes) return "of other scopes";
    if (entry->valid_to != token(number).valid_to) return "of another expiry";
    return membership.active ? "live" : "of nobody";
  }

  ReadProtection protection_;
};

TEST_F(IndexImage, GivesTheSameIndex) {
  for (const uint32_t tokens : {0u, 1u, 100u, 20'000u}) {
    Index index(protection_);
    fill(index, tokens);
    const Kept kept = take(index);
    Index restored(protection_);
    ASSERT_TRUE(restore_image(kept.totals, kept.source(), restored));
    EXPECT_EQ(restored.tokens(), tokens);
    EXPECT_EQ(restored.memberships(), index.memberships());
    EXPECT_EQ(restored.find_organization("org2"), organization(2));
    for (uint32_t i = 0; i < tokens; ++i) ASSERT_EQ(describe(restored, i), describe(index, i)) << i;
    // And goes on from there.
    ASSERT_TRUE(restored.apply(token(tokens + 1), TokenTable::Growth::frugal));
    ASSERT_TRUE(restored.apply(token(0, core::TokenState::revoked), TokenTable::Growth::frugal));
    EXPECT_EQ(describe(restored, 0), "ended");
  }
}

TEST_F(IndexImage, EachEntryIsInItOnce) {
  Index index(protection_);
  fill(index, 50'000);
  const Kept kept = take(index);
  std::map<std::string, int> seen;
  for (const KeptBlock& block : kept.blocks) {
    if (block.part != ImagePart::tokens) continue;
    for (size_t i = 0; i < block.bytes.size(); i += sizeof(TokenRecord)) {
      ++seen[{reinterpret_cast<const char*>(block.bytes.data()) + i, sizeof(TokenRecord)}];
    }
  }
  EXPECT_EQ(seen.size(), 50'000u);
  for (const auto& [record, count] : seen) ASSERT_EQ(count, 1);
}

// What was there when it began is in it, whatever grows meanwhile.
TEST_F(IndexImage, TakenWhileTheIndexGrowsItHasAllThatWasThere) {
  Index index(protection_);
  fill(index, 20'000);
  std::atomic<bool> stop{false};
  std::atomic<uint32_t> added{20'000};
  std::jthread writer([&] {
    for (uint32_t i = 20'000; !stop && i < 200'000; ++i) {
      ASSERT_TRUE(index.apply(token(i), TokenTable::Growth::frugal));
      ASSERT_TRUE(
          index.apply(token(i - 20'000, core::TokenState::revoked), TokenTable::Growth::frugal));
      added = i + 1;
    }
  });
  for (int round = 0; round < 5; ++round) {
    const uint32_t before = added;
    const Kept kept = take(index);
    Index restored(protection_);
    ASSERT_TRUE(restore_image(kept.totals, kept.source(), restored));
    for (uint32_t i = 0; i < before; i += 17) {
      const std::string said = describe(restored, i);
      ASSERT_TRUE(i + 20'000 < before ? said == "ended" : said != "none" && said != "another")
          << i << " of " << before << ": " << said;
    }
  }
  stop = true;
}

TEST_F(IndexImage, OneThatIsNotWholeIsRefused) {
  Index index(protection_);
  fill(index, 100);
  const Kept kept = take(index);
  for (size_t missing = 0; missing < kept.blocks.size(); ++missing) {
    Kept less = kept;
    less.blocks.erase(less.blocks.begin() + static_cast<ptrdiff_t>(missing));
    Index restored(protection_);
    EXPECT_FALSE(restore_image(less.totals, less.source(), restored));
    Kept more = kept;
    more.blocks.push_back(kept.blocks[missing]);
    Index other(protection_);
    EXPECT_FALSE(restore_image(more.totals, more.source(), other));
  }
}

TEST_F(IndexImage, NumbersThatAreNotThereAreRefused) {
  Index index(protection_);
  fill(index, 1);
  const Kept kept = take(index);
  for (size_t b = 0; b < kept.blocks.size(); ++b) {
    const ImagePart part = kept.blocks[b].part;
    if (part != ImagePart::tokens && part != ImagePart::memberships) continue;
    // The membership of a token; the organization and the mask of a membership.
    const std::vector<size_t> numbers =
        part == ImagePart::tokens ? std::vector<size_t>{32} : std::vector<size_t>{16, 20};
    for (const size_t at : numbers) {
      Kept changed = kept;
      changed.blocks[b].bytes[at] = 0xfe;
      Index restored(protection_);
      EXPECT_FALSE(restore_image(changed.totals, changed.source(), restored));
    }
  }
}

TEST_F(IndexImage, BlocksOfAnotherFormAreRefused) {
  Index index(protection_);
  fill(index, 10);
  const Kept kept = take(index);
  for (size_t b = 0; b < kept.blocks.size(); ++b) {
    Kept cut = kept;
    cut.blocks[b].bytes.pop_back();
    Index restored(protection_);
    EXPECT_FALSE(restore_image(cut.totals, cut.source(), restored));
    Kept other = kept;
    other.blocks[b].part = static_cast<ImagePart>(9);
    Index another(protection_);
    EXPECT_FALSE(restore_image(other.totals, other.source(), another));
  }
  Kept shard = kept;
  for (KeptBlock& block : shard.blocks) block.shard = 16;
  Index restored(protection_);
  EXPECT_FALSE(restore_image(shard.totals, shard.source(), restored));
}

TEST_F(IndexImage, AnErrorOfTheSinkEndsIt) {
  Index index(protection_);
  fill(index, 10);
  const auto access = [&](const std::function<void(const Index&)>& look) -> Result<void> {
    look(index);
    return {};
  };
  const auto taken = take_image(access, [](const ImageBlock&) -> Result<void> {
    return Error(ErrorCode::store_unavailable);
  });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::store_unavailable);
}

}  // namespace
}  // namespace latchkey::verify
