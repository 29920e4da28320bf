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

TEST_P(UsageContract, DaysAreSummedByTokenOfAnOwner) {
  add_owner();
  const auto elsewhere = make_organization("fabrikam");
  const auto somebody = make_person("somebody@example.com");
  std::vector<core::Token> tokens;
  for (const char* name : {"oldest", "revoked", "newest", "theirs", "elsewhere"}) {
    tokens.push_back(make_token(name));
    tokens.back().valid_from = world_.clock().now() + Milliseconds(tokens.size());
  }
  tokens[1].state = core::TokenState::revoked;
  tokens[1].revoked_at = world_.clock().now();
  tokens[3].owner = somebody.person.id;
  tokens[4].organization = elsewhere.id;
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_organization(tx, elsewhere));
    LK_CHECK(insert_person(tx, somebody));
    for (const core::Token& token : tokens) LK_CHECK(put_token(tx, token));
    return {};
  }));
  aside([&](WriteTx& tx) -> Result<void> {
    for (const TokenDay& day : Days{{4, 100, 100}, {5, 2, 0}, {9, uint64_t{1} << 40, 3}}) {
      LK_CHECK(add_token_day(tx, tokens[0].id, day));
    }
    for (const size_t i : {1, 3, 4}) LK_CHECK(add_token_day(tx, tokens[i].id, {5, 0, i}));
    return {};
  });
  const auto sums = [&](int32_t first, int limit) {
    return read<std::vector<TokenSum>>([&](ReadTx& tx) {
      return sum_token_days(tx, owner_.person.id, organization_.id, first, limit);
    });
  };
  const TokenSum newest{tokens[2].id, 0, 0};
  const TokenSum revoked{tokens[1].id, 0, 1};
  const std::vector<TokenSum> all = {newest, revoked, {tokens[0].id, (uint64_t{1} << 40) + 2, 3}};
  EXPECT_EQ(sums(5, 10), all);
  EXPECT_EQ(sums(5, 2), (std::vector<TokenSum>{newest, revoked}));
  EXPECT_EQ(sums(10, 1), (std::vector<TokenSum>{newest}));
  EXPECT_EQ(sums(4, 10).back(), (TokenSum{tokens[0].id, (uint64_t{1} << 40) + 102, 103}));
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
