#include "verify/read_protection.h"

#include <thread>

namespace latchkey::verify {

void ReadProtection::synchronize() {
  // Each of the two sets of counters is seen empty once. A reader that counts itself in later does
  // so after the successor was stored, and therefore finds it.
  for (int round = 0; round < 2; ++round) {
    const uint32_t left = turn_.fetch_add(1, std::memory_order_seq_cst) & 1;
    for (const Stripe& stripe : stripes_) {
      while (stripe.readers[left].load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    }
  }
}

}  // namespace latchkey::verify
