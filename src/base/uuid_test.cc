#include "base/uuid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>

namespace latchkey {
namespace {

class FailingEntropy final : public Entropy {
 public:
  Result<void> fill(std::span<uint8_t>) override { return Error(ErrorCode::internal); }
};

TEST(MakeUuid, IsRandomOfVersion4) {
  SeededEntropy entropy(3);
  std::unordered_set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = *make_uuid(entropy);
    const std::string text = format_uuid(uuid);
    EXPECT_EQ(text[14], '4') << text;
    EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos) << text;
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(MakeUuid, FailsWithItsEntropy) {
  FailingEntropy entropy;
  const auto uuid = make_uuid(entropy);
  ASSERT_FALSE(uuid);
  EXPECT_EQ(uuid.error().code, ErrorCode::internal);
}

TEST(Uuid, IsWrittenInItsFormAndReadInEitherCase) {
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  const auto uuid = parse_uuid(text);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->bytes[0], 0x00);
  EXPECT_EQ(uuid->bytes[15], 0xff);
  EXPECT_EQ(format_uuid(*uuid), text);
  EXPECT_EQ(parse_uuid("00112233-4455-6677-8899-AABBCCDDEEFF"), uuid);
}

TEST(Uuid, RefusesOtherForms) {
  for (const std::string_view text :
       {"", "00112233445566778899aabbccddeeff", "{00112233-4455-6677-8899-aabbccddeeff}",
        "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefff",
        "0011223-34455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg",
        "00112233-4455-6677-8899_aabbccddeeff", "-0112233-4455-6677-8899-aabbccddeeff",
        " 0112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef\n"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(Uuid, NilIsAllZeros) {
  EXPECT_TRUE(Uuid{}.is_nil());
  EXPECT_TRUE(parse_uuid("00000000-0000-0000-0000-000000000000")->is_nil());
  EXPECT_FALSE(parse_uuid("00000000-0000-0000-0000-000000000001")->is_nil());
}

TEST(Uuid, HashesOfNeighboursDiffer) {
  std::unordered_set<size_t> hashes;
  for (int i = 0; i < 256; ++i) {
    Uuid low, high;
    low.bytes[15] = static_cast<uint8_t>(i);
    high.bytes[7] = static_cast<uint8_t>(i);
    hashes.insert(std::hash<Uuid>()(low));
    hashes.insert(std::hash<Uuid>()(high));
  }
  EXPECT_EQ(hashes.size(), 511u);  // zero came twice
}

}  // namespace
}  // namespace latchkey
