#include <gtest/gtest.h>

#include <cstdlib>

#include "simulation/world.h"

namespace latchkey::simulation {
namespace {

// How many seeds; ./dev simulate runs many more. LATCHKEY_SEED runs one.
constexpr uint64_t kSeeds = 100;

TEST(Simulation, NothingIsLetThroughBeyondTheBoundAndNothingIsLost) {
  Secrets secrets;
  RunReport total;
  const char* const one = std::getenv("LATCHKEY_SEED");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t last = one != nullptr ? first : kSeeds;
  for (uint64_t seed = first; seed <= last; ++seed) {
    const RunReport run = run_world(seed, secrets);
    ASSERT_TRUE(run.violations.empty())
        << "seed " << seed << " (LATCHKEY_SEED repeats it): " << run.violations.front() << " (and "
        << run.violations.size() - 1 << " more)";
    total.changes += run.changes;
    total.checks += run.checks;
    total.answered += run.answered;
    total.failovers += run.failovers;
    total.lost += run.lost;
  }
  std::cout << total.changes << " changes, " << total.checks << " checks, " << total.answered
            << " answered, " << total.failovers << " failovers, " << total.lost << " lost\n";
  if (one != nullptr) return;
  // The world is one in which something happens, and most of the time something works.
  EXPECT_GT(total.failovers, kSeeds / 4);
  EXPECT_GT(total.lost, 0u);
  EXPECT_GT(total.answered, total.checks / 2);
  EXPECT_GT(total.changes, 20 * kSeeds);
}

TEST(Simulation, ASeedGivesTheSameRun) {
  Secrets secrets, others;
  (void)others.text(7);  // what was made before makes no difference
  const RunReport a = run_world(7, secrets), b = run_world(7, others);
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_EQ(a.switches, b.switches);
  EXPECT_NE(a.fingerprint, run_world(8, secrets).fingerprint);
}

// The checker sees what the nodes cannot help: a standby that is not synchronous.
TEST(Simulation, WithoutASynchronousStandbyAcknowledgedChangesAreLost) {
  Secrets secrets;
  RunOptions options;
  options.cluster.lossy = true;
  bool is_found = false;
  for (uint64_t seed = 1; seed <= kSeeds && !is_found; ++seed) {
    is_found = !run_world(seed, secrets, options).violations.empty();
  }
  EXPECT_TRUE(is_found);
}

}  // namespace
}  // namespace latchkey::simulation
