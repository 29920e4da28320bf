#include "verify/read_after.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "verify/feed_for_test.h"

namespace latchkey::verify {
namespace {

class ReadAfterTest : public testing::Test {
 protected:
  static core::DigestKeys make_keys() {
    std::array<uint8_t, SecretKey::kSizeBytes> bytes{};
    std::vector<std::pair<core::DigestKeyId, Hmac>> keys;
    keys.emplace_back(core::DigestKeyId{{'A', 'B'}}, Hmac(SecretKey(bytes)));
    return core::DigestKeys(std::move(keys), {{'A', 'B'}});
  }
  core::Revision change() {
    return feed_.add(MembershipItem{id_for_test<core::OrganizationId>(1),
                                    id_for_test<core::PersonId>(feed_.follows() + 1),
                                    true,
                                    {}});
  }
  core::Position at(core::Revision revision) { return {verifier_.status().epoch, revision}; }

  FakeClock clock_{Instant{1}};
  const core::DigestKeys keys_ = make_keys();
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  FeedForTest feed_;
  Verifier verifier_{keys_, provider_, clock_, {}};
};

TEST_F(ReadAfterTest, IsReadyAtTheRevisionAndNotBefore) {
  const core::Revision first = change();
  ASSERT_TRUE(verifier_.load(feed_).has_value());
  EXPECT_EQ(look(verifier_, at(first)), ReadAfter::ready);
  EXPECT_EQ(look(verifier_, at({first.number + 1})), ReadAfter::waiting);
  EXPECT_TRUE(wait_until(verifier_, at(first), Milliseconds(0)).has_value());
  const auto late = wait_until(verifier_, at({first.number + 1}), Milliseconds(1));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
}

TEST_F(ReadAfterTest, AChangeThatArrivesEndsTheWait) {
  change();
  ASSERT_TRUE(verifier_.load(feed_).has_value());
  const core::Position wanted = at(change());
  std::jthread follower([&] { (void)verifier_.follow_once(feed_, Milliseconds(0)); });
  EXPECT_TRUE(wait_until(verifier_, wanted, Milliseconds(10'000)).has_value());
}

TEST_F(ReadAfterTest, AnotherEpochIsRefusedAtOnce) {
  const core::Revision first = change();
  ASSERT_TRUE(verifier_.load(feed_).has_value());
  const core::Position before = at(first);
  feed_.begin_epoch(id_for_test<core::Epoch>(2));
  ASSERT_TRUE(verifier_.follow_once(feed_, Milliseconds(0)).has_value());
  EXPECT_EQ(look(verifier_, before), ReadAfter::foreign);
  const auto refused = wait_until(verifier_, before, Milliseconds(60'000));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().field, "min_revision");
}

TEST_F(ReadAfterTest, AnIndexThatIsNotLoadedIsNotReady) {
  EXPECT_EQ(look(verifier_, {{}, {0}}), ReadAfter::waiting);
}

}  // namespace
}  // namespace latchkey::verify
