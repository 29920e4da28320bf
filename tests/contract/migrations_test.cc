// A database of each earlier step is brought up to the newest one, with what is in it.
#include <algorithm>

#include "contract.h"
#include "store/idempotency_rows.h"

namespace latchkey::store {
namespace {

// An engine as a program that knew only the first `steps` migrations had it.
class OlderDriver final : public Driver {
 public:
  OlderDriver(std::unique_ptr<Driver> driver, size_t steps)
      : driver_(std::move(driver)), steps_(steps) {}
  Result<std::unique_ptr<Connection>> connect() override { return driver_->connect(); }
  std::span<const std::string_view> migrations() const override {
    return driver_->migrations().first(steps_);
  }
  std::string_view begin_write() const override { return driver_->begin_write(); }

 private:
  const std::unique_ptr<Driver> driver_;
  const size_t steps_;
};

class MigrationContract : public testing::TestWithParam<Engine> {};

TEST_P(MigrationContract, ADatabaseOfEachEarlierStepIsBroughtUpToTheNewest) {
  size_t all = 2;
  for (size_t steps = 1; steps < all; ++steps) {
    size_t known = steps;
    TestStore world([&](const std::string& folder) -> Result<std::unique_ptr<Driver>> {
      LK_TRY(auto driver, GetParam().open(folder));
      all = driver->migrations().size();
      const size_t offered = std::min(known, all);
      return std::unique_ptr<Driver>(std::make_unique<OlderDriver>(std::move(driver), offered));
    });
    core::EventDraft draft;
    draft.action = core::Action::person_changed;
    ASSERT_OK(world.store().write([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(tx.append(draft, {}));
      return {};
    }));
    known = all;
    world.reopen();
    EXPECT_EQ(world.store().head().revision.number, 1u);
    ASSERT_OK(verify_audit(world.store(), world.row_key(), {}));
    // The newest table is there.
    ASSERT_OK(world.store().write([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(insert_idempotency_row(tx, {}));
      LK_CHECK(tx.append(draft, {}));
      return {};
    }));
    world.reopen();
    EXPECT_EQ(world.store().head().revision.number, 2u);
  }
}

LATCHKEY_CONTRACT(MigrationContract);

}  // namespace
}  // namespace latchkey::store
