// A run of the simulated world: a cluster, nodes, gates behind nodes, writers, checkers, faults.
//
// All that happens follows from the seed. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulation/node.h"

namespace latchkey::simulation {

struct RunOptions {
  Micros length = ms(20'000);
  ClusterFaults cluster;
};

struct RunReport {
  std::vector<std::string> violations;
  size_t changes = 0;   // acknowledged
  size_t checks = 0;    // all
  size_t answered = 0;  // of these, not refused as stale
  uint64_t failovers = 0;
  uint64_t lost = 0;         // changes that were not acknowledged, and were lost
  uint64_t switches = 0;     // of fibers
  uint64_t fingerprint = 0;  // of all that was answered: the same for the same seed
};

RunReport run_world(uint64_t seed, Secrets& secrets, const RunOptions& options = {});

}  // namespace latchkey::simulation
