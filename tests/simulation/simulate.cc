// simulate [SEED... | --seeds FIRST LAST]: runs simulated worlds and prints what was violated.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "simulation/world.h"

namespace {

using namespace latchkey::simulation;

// Whether nothing was violated.
bool run(uint64_t seed, Secrets& secrets, RunReport& total) {
  const RunReport report = run_world(seed, secrets);
  total.changes += report.changes;
  total.checks += report.checks;
  total.answered += report.answered;
  total.failovers += report.failovers;
  total.lost += report.lost;
  for (const std::string& violation : report.violations) {
    std::printf("\nseed %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
  }
  return report.violations.empty();
}

}  // namespace

int main(int count, char** arguments) {
  uint64_t first = 1, last = 10'000;
  std::vector<uint64_t> seeds;
  if (count == 4 && std::strcmp(arguments[1], "--seeds") == 0) {
    first = std::strtoull(arguments[2], nullptr, 10);
    last = std::strtoull(arguments[3], nullptr, 10);
  } else {
    for (int i = 1; i < count; ++i) seeds.push_back(std::strtoull(arguments[i], nullptr, 10));
  }
  if (seeds.empty()) {
    for (uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
  }
  Secrets secrets;
  RunReport total;
  const auto began = std::chrono::steady_clock::now();
  size_t done = 0;
  for (const uint64_t seed : seeds) {
    if (!run(seed, secrets, total)) {
      std::printf("seed %llu failed, the %zu. of this run\n", static_cast<unsigned long long>(seed),
                  done + 1);
      return 1;
    }
    if (++done % 100 == 0 || done == seeds.size()) {
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - began;
      std::printf("\r%zu of %zu seeds, %.0f s", done, seeds.size(), time.count());
      std::fflush(stdout);
    }
  }
  std::printf(
      "\nNo violation: %zu changes acknowledged, %zu checks of which %zu were not refused as "
      "stale,\n"
      "%llu failovers, %llu changes that were not acknowledged and were lost.\n",
      total.changes, total.checks, total.answered, static_cast<unsigned long long>(total.failovers),
      static_cast<unsigned long long>(total.lost));
  return 0;
}
