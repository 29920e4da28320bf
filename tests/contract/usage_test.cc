// Rows of usage: counts add up, batches are noted once, and what is old goes a bounded part a time.
#include "contract.h"
#include "store/usage_rows.h"

namespace latchkey::store {
namespace {

class UsageContract : public StoreContract {
 protected:
  void aside(const WriteBody& body) { ASSERT_OK(store().write_aside(body)); }
  std::vector<TokenDay> days(core::TokenId token, int32_t first) {
    return read<std::vector<TokenDay>>(
        [&](ReadTx& tx) { return list_token_days(tx, token, first); });
  }
};
LATCHKEY_CONTRACT(UsageContract);

using Days = std::vector<TokenDay>;

TEST_P(UsageContract, DaysAreAddedListedAndDeleted) {
  const auto token = new_id<core::TokenId>();
  const auto other = new_id<core::TokenId>();
  aside([&](WriteTx& tx) -> Result<void> {
    for (const TokenDay& day : Days{{7, 1, 0}, {5, 2, 2}, {7, 10, 3}, {6, 0, 1}}) {
      LK_CHECK(add_token_day(tx, token, day));
    }
    return add_token_day(tx, other, {7, uint64_t{1} << 40, 1});
  });
  EXPECT_EQ(days(token, 0), (Days{{5, 2, 2}, {6, 0, 1}, {7, 11, 3}}));
  EXPECT_EQ(days(token, 6), (Days{{6, 0, 1}, {7, 11, 3}}));
  EXPECT_EQ(days(other, 0), (Days{{7, uint64_t{1} << 40, 1}}));
  aside([&](WriteTx& tx) { return delete_token_days_before(tx, 7, 1); });
  EXPECT_EQ(days(token, 0).size(), 2u);
  aside([&](WriteTx& tx) { return delete_token_days_before(tx, 7, 10); });
  EXPECT_EQ(days(token, 0), (Days{{7, 11, 3}}));
  EXPECT_EQ(days(other, 0).size(), 1u);
}

TEST_P(UsageContract, ABatchIsNotedOnceAndForgotten) {
  const auto client = new_id<core::ClientId>();
  const auto other = new_id<core::ClientId>();
  const Uuid batch = new_id<core::TokenId>().uuid;
  const auto note = [&](core::ClientId of) {
    bool is_first = false;
    aside([&](WriteTx& tx) -> Result<void> {
      LK_TRY(is_first, insert_usage_batch(tx, of, batch));
      return {};
    });
    return is_first;
  };
  EXPECT_TRUE(note(client));
  EXPECT_FALSE(note(client));
  EXPECT_TRUE(note(other));
  aside([&](WriteTx& tx) {
    return delete_usage_batches_before(tx, world_.clock().now() + Milliseconds(1), 10);
  });
  EXPECT_TRUE(note(client));
}

}  // namespace
}  // namespace latchkey::store
