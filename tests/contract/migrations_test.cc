// A database of each earlier step is brought up to the newest one, with what is in it.
#include <filesystem>

#include "contract.h"
#include "store/event_rows.h"
#include "store/idempotency_rows.h"
#include "store/scope_rows.h"

namespace latchkey::store {
namespace {

// From this version on the head has an epoch.
constexpr size_t kEpochSteps = 3;

class MigrationContract : public StoreContract {
 protected:
  // The head as a program of that many steps signed and wrote it.
  Result<void> write_head(Connection& connection, size_t steps, const LogHead& head, bool ours) {
    if (steps >= kEpochSteps)
      return insert_head(connection, sign_head(core::RowKeyView(world_.row_keys()), head));
    Digest signature =
        core::head_signature_without_epoch(world_.row_key(), head.revision, head.hash);
    if (!ours) signature[0] ^= 1;
    LK_CHECK(connection.run(
        "INSERT INTO log_head (only_row, revision, hash, signature) VALUES (1, $1, $2, $3)",
        {head.revision.number, head.hash, signature}));
    return {};
  }
  // A database as a program that knew only the first `steps` migrations left it, with one event.
  Result<void> make_older(const std::string& folder, size_t steps, bool ours = true) {
    std::filesystem::create_directory(folder);
    LK_TRY(const auto driver, GetParam().open(folder));
    LK_TRY(const auto connection, driver->connect());
    LK_CHECK(connection->run_script("CREATE TABLE schema_version (version BIGINT NOT NULL)"));
    LK_CHECK(connection->run("INSERT INTO schema_version (version) VALUES ($1)", {steps}));
    for (const auto script : driver->migrations().first(steps)) {
      LK_CHECK(connection->run_script(script));
    }
    core::Event event;
    event.revision = {1};
    event.at = world_.clock().now();
    event.draft = draft();
    const StoredContext context;
    event.context_digest = core::context_digest(context.context, context.salt);
    event.hash = core::event_hash(event);
    LK_CHECK(insert_event(*connection, event, context));
    return write_head(*connection, steps, {event.revision, event.hash, {}}, ours);
  }
  Result<std::unique_ptr<Store>> open(const std::string& folder) {
    LK_TRY(auto driver, GetParam().open(folder));
    return open_store(std::move(driver),
                      {world_.clock(), world_.entropy(), world_.log(), world_.row_keys()});
  }
  size_t all_steps() { return (*GetParam().open(world_.folder() + "/copy"))->migrations().size(); }
};
LATCHKEY_CONTRACT(MigrationContract);

TEST_P(MigrationContract, ADatabaseOfEachEarlierStepIsBroughtUpToTheNewest) {
  std::filesystem::create_directory(world_.folder() + "/copy");
  const size_t all = all_steps();
  ASSERT_GE(all, kEpochSteps);
  for (size_t steps = 1; steps < all; ++steps) {
    SCOPED_TRACE(steps);
    const std::string folder = world_.folder() + "/" + std::to_string(steps);
    ASSERT_OK(make_older(folder, steps));
    auto opened = open(folder);
    ASSERT_OK(opened);
    EXPECT_EQ((*opened)->head().revision.number, 1u);
    const core::Epoch epoch = (*opened)->head().epoch;
    EXPECT_EQ(epoch.is_nil(), steps >= kEpochSteps);
    ASSERT_OK(verify_audit(**opened, {}));
    // The newest tables are there.
    ASSERT_OK((*opened)->write([&](WriteTx& tx) -> Result<void> {
      LK_CHECK(insert_idempotency_row(tx, {}));
      LK_CHECK(upsert_scope_row(tx, {{"acme.read", "R", "R.", "Acme", {}, core::Role{1}}, {128}}));
      LK_CHECK(tx.append(draft(), {}));
      return {};
    }));
    opened->reset();
    opened = open(folder);
    ASSERT_OK(opened);
    EXPECT_EQ((*opened)->head().revision.number, 2u);
    EXPECT_EQ((*opened)->head().epoch, epoch);
  }
}

// What was not ours before does not become ours by being signed anew.
TEST_P(MigrationContract, AHeadOfBeforeEpochsIsCheckedAsItWasSigned) {
  for (size_t steps = 1; steps < kEpochSteps; ++steps) {
    const std::string folder = world_.folder() + "/" + std::to_string(steps);
    ASSERT_OK(make_older(folder, steps, false));
    EXPECT_CODE(open(folder), integrity_violated);
    EXPECT_CODE(open(folder), integrity_violated);
  }
}

}  // namespace
}  // namespace latchkey::store
