#include "verify/index.h"

#include <gtest/gtest.h>

#include "verify/feed_for_test.h"

namespace latchkey::verify {
namespace {

constexpr auto kGrowth = TokenTable::Growth::frugal;

class IndexTest : public testing::Test {
 protected:
  const core::OrganizationId contoso_ = id_for_test<core::OrganizationId>(1);
  const core::PersonId ada_ = id_for_test<core::PersonId>(2);
  ReadProtection protection_;
  Index index_{protection_};

  TokenItem item(uint8_t number) const {
    TokenItem token{id_for_test<core::TokenId>(number),
                    contoso_,
                    ada_,
                    {},
                    {},
                    {1'780'000'000'000},
                    core::TokenState::live};
    token.digest.fill(number);
    token.scopes.add({number});
    return token;
  }
};

TEST_F(IndexTest, EqualScopeSetsAndMembershipsAreKeptOnce) {
  TokenItem a = item(1), b = item(2);
  b.scopes = a.scopes;
  ASSERT_TRUE(index_.apply(a, kGrowth));
  ASSERT_TRUE(index_.apply(b, kGrowth));
  const auto found_a = index_.find_token(a.digest), found_b = index_.find_token(b.digest);
  ASSERT_TRUE(found_a && found_b);
  EXPECT_EQ(found_a->scope_set, found_b->scope_set);
  EXPECT_EQ(found_a->membership, found_b->membership);
  EXPECT_EQ(index_.scopes_of(*found_a), a.scopes);
  EXPECT_EQ(index_.memberships(), 1u);
  EXPECT_EQ(index_.tokens(), 2u);
}

TEST_F(IndexTest, MembershipIsInactiveUntilItsItem) {
  ASSERT_TRUE(index_.apply(item(1), kGrowth));
  const auto found = index_.find_token(item(1).digest);
  EXPECT_FALSE(index_.membership_of(*found).active);
  ASSERT_TRUE(index_.apply(MembershipItem{contoso_, ada_, true, core::ScopeSet::all()}, kGrowth));
  const Index::Membership membership = index_.membership_of(*found);
  EXPECT_TRUE(membership.active);
  EXPECT_EQ(membership.organization, contoso_);
  EXPECT_EQ(membership.person, ada_);
  EXPECT_EQ(*membership.mask, core::ScopeSet::all());
}

TEST_F(IndexTest, NamesAreSeenWhenPublished) {
  ASSERT_TRUE(index_.apply(OrganizationItem{contoso_, "contoso", true}, kGrowth));
  EXPECT_FALSE(index_.find_organization("contoso"));
  index_.publish_names();
  EXPECT_EQ(index_.find_organization("contoso"), contoso_);
}

TEST_F(IndexTest, DistinctScopeSetsAreManyAndKept) {
  for (uint8_t low = 0; low < 100; ++low) {
    TokenItem token = item(low);
    token.digest[20] = 1;
    token.scopes = scopes_for_test({low, static_cast<uint8_t>(low + 100)});
    ASSERT_TRUE(index_.apply(token, kGrowth));
  }
  for (uint8_t low = 0; low < 100; ++low) {
    const auto found = index_.find_token(item(low).digest);
    ASSERT_TRUE(found);
    EXPECT_EQ(index_.scopes_of(*found), scopes_for_test({low, static_cast<uint8_t>(low + 100)}));
  }
}

TEST_F(IndexTest, ReplayedItemsChangeNothing) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(index_.apply(item(1), kGrowth));
    ASSERT_TRUE(index_.apply(MembershipItem{contoso_, ada_, true, {}}, kGrowth));
  }
  EXPECT_EQ(index_.tokens(), 1u);
  EXPECT_EQ(index_.memberships(), 1u);
}

TEST_F(IndexTest, MemoryIsCounted) {
  const uint64_t before = index_.memory_bytes();
  EXPECT_GT(before, sizeof(Index));
  for (uint8_t i = 0; i < 250; ++i) ASSERT_TRUE(index_.apply(item(i), kGrowth));
  EXPECT_GT(index_.memory_bytes(), before);
}

}  // namespace
}  // namespace latchkey::verify
