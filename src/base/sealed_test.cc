#include "base/sealed.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace latchkey {
namespace {

class FailingEntropy final : public Entropy {
 public:
  Result<void> fill(std::span<uint8_t> out) override {
    std::fill(out.begin(), out.end(), uint8_t{0});
    return Error(ErrorCode::internal, "made to fail");
  }
};

// The pages of this process that no core dump holds.
int undumped_mappings() {
  std::ifstream maps("/proc/self/smaps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with("VmFlags:") && line.find(" dd") != std::string::npos) ++count;
  }
  return count;
}

class SealedTest : public testing::Test {
 protected:
  SeededEntropy entropy{7};
  SealingKey key = *SealingKey::create(entropy);
  const SecretText text{"the text of a token that must not be found"};
};

TEST_F(SealedTest, OpensWhatItSealed) {
  for (const SecretText& one : {SecretText(), SecretText("x"), text.clone()}) {
    const auto sealed = key.seal(one, entropy);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->size(), one.size() + 40);
    const auto opened = key.open(*sealed);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(*opened == one);
  }
}

TEST_F(SealedTest, HoldsNoPartOfTheText) {
  const auto sealed = key.seal(text, entropy);
  ASSERT_TRUE(sealed);
  const std::string bytes(sealed->begin(), sealed->end());
  const std::string plain(text.reveal(RevealSecret{}));
  for (size_t start = 0; start + 4 <= plain.size(); ++start) {
    EXPECT_EQ(bytes.find(plain.substr(start, 4)), std::string::npos);
  }
  EXPECT_NE(*key.seal(text, entropy), *sealed);  // no two are alike
}

TEST_F(SealedTest, OpensNothingElse) {
  const auto sealed = key.seal(text, entropy);
  ASSERT_TRUE(sealed);
  for (size_t at = 0; at < sealed->size(); ++at) {
    Bytes changed = *sealed;
    changed[at] ^= 1;
    EXPECT_FALSE(key.open(changed)) << at;
    EXPECT_FALSE(key.open(std::span(*sealed).first(at))) << at;
  }
  const SealingKey other = *SealingKey::create(entropy);
  EXPECT_FALSE(other.open(*sealed));
}

TEST_F(SealedTest, FailsWithoutEntropy) {
  FailingEntropy none;
  EXPECT_FALSE(SealingKey::create(none));
  EXPECT_FALSE(key.seal(text, none));
}

TEST_F(SealedTest, KeepsItsKeyOutOfCoreDumps) {
  const int before = undumped_mappings();
  const SealingKey more = *SealingKey::create(entropy);
  EXPECT_GT(undumped_mappings(), before);
}

}  // namespace
}  // namespace latchkey
