// Rows of idempotency keys: read back, once, counted by age, deleted in batches.
#include "contract.h"
#include "store/idempotency_rows.h"

namespace latchkey::store {
namespace {

class IdempotencyContract : public StoreContract {
 protected:
  IdempotencyRow make_row(core::PersonId person, Instant created_at) {
    return {.key = new_digest(),
            .request = new_digest(),
            .person = person,
            .token = new_id<core::TokenId>(),
            .generation = 3,
            .created_at = created_at};
  }
  void insert(const IdempotencyRow& row) {
    ASSERT_OK(change([&](WriteTx& tx) { return insert_idempotency_row(tx, row); }));
  }
  std::optional<IdempotencyRow> find(const Digest& key) {
    std::optional<IdempotencyRow> found;
    EXPECT_TRUE(store().read([&](ReadTx& tx) -> Result<void> {
      LK_TRY(found, find_idempotency_row(tx, key));
      return {};
    }));
    return found;
  }
  std::optional<Instant> nth(core::PersonId person, int n) {
    std::optional<Instant> found;
    EXPECT_TRUE(store().read([&](ReadTx& tx) -> Result<void> {
      LK_TRY(found, find_nth_newest_key(tx, person, n));
      return {};
    }));
    return found;
  }
  int64_t delete_before(Instant instant, int limit) {
    int64_t deleted = 0;
    EXPECT_TRUE(store().write_aside([&](WriteTx& tx) -> Result<void> {
      LK_TRY(deleted, delete_keys_created_before(tx, instant, limit));
      return {};
    }));
    return deleted;
  }
};

TEST_P(IdempotencyContract, ARowIsReadBackAndWrittenOnce) {
  const IdempotencyRow row = make_row(new_id<core::PersonId>(), {5'000});
  EXPECT_FALSE(find(row.key));
  insert(row);
  const auto found = find(row.key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key, row.key);
  EXPECT_EQ(found->request, row.request);
  EXPECT_EQ(found->person, row.person);
  EXPECT_EQ(found->token, row.token);
  EXPECT_EQ(found->generation, row.generation);
  EXPECT_EQ(found->created_at, row.created_at);
  EXPECT_CODE(change([&](WriteTx& tx) { return insert_idempotency_row(tx, row); }), already_exists);
}

TEST_P(IdempotencyContract, TheNthNewestOfAPersonIsFound) {
  const auto ada = new_id<core::PersonId>();
  const auto bob = new_id<core::PersonId>();
  for (const int64_t at : {30, 10, 20}) insert(make_row(ada, {at}));
  insert(make_row(bob, {15}));
  EXPECT_EQ(nth(ada, 1), Instant{30});
  EXPECT_EQ(nth(ada, 2), Instant{20});
  EXPECT_EQ(nth(ada, 3), Instant{10});
  EXPECT_FALSE(nth(ada, 4));
  EXPECT_EQ(nth(bob, 1), Instant{15});
}

TEST_P(IdempotencyContract, TheOldestAreDeletedInBatches) {
  const auto ada = new_id<core::PersonId>();
  for (const int64_t at : {50, 10, 30, 20, 40}) insert(make_row(ada, {at}));
  EXPECT_EQ(delete_before({40}, 2), 2);
  EXPECT_EQ(nth(ada, 3), Instant{30});
  EXPECT_FALSE(nth(ada, 4));
  EXPECT_EQ(delete_before({40}, 2), 1);
  EXPECT_EQ(delete_before({40}, 2), 0);
  EXPECT_EQ(nth(ada, 2), Instant{40});
}

LATCHKEY_CONTRACT(IdempotencyContract);

}  // namespace
}  // namespace latchkey::store
