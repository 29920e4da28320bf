// Lets a writer free what readers may still be looking at, without a reader ever waiting.
//
// A reader holds a Guard while it uses what it found through an atomic pointer. A writer publishes
// the successor, calls synchronize() and then frees: every reader that could have seen the old one
// has left. Readers count themselves in and out of one of 64 stripes, so that threads rarely share
// a cache line; two sets of counters take turns, so that a stream of new readers cannot hold a
// writer up. Thread safety: enter() from any thread; synchronize() from one thread at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace latchkey::verify {

class ReadProtection {
 public:
  class Guard {
   public:
    explicit Guard(std::atomic<uint32_t>& readers) : readers_(readers) {
      // seq_cst: this count is ordered before the reader's seq_cst load of the pointer.
      readers_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Guard() { readers_.fetch_sub(1, std::memory_order_release); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    std::atomic<uint32_t>& readers_;
  };

  // REQUIRES: pointers to what is protected are loaded with seq_cst, after this.
  Guard enter() const {
    const uint32_t turn = turn_.load(std::memory_order_relaxed) & 1;
    return Guard(stripes_[own_stripe()].readers[turn]);
  }

  // Returns when every reader that may have loaded a pointer before the call has left.
  // REQUIRES: the successor was stored with seq_cst.
  void synchronize();

 private:
  static constexpr size_t kStripes = 64;
  struct alignas(64) Stripe {
    std::atomic<uint32_t> readers[2] = {0, 0};
  };

  // A stripe that belongs to the calling thread, from the address of its thread-local storage.
  static size_t own_stripe() {
    static thread_local char marker;
    return (reinterpret_cast<uintptr_t>(&marker) * 0x9e3779b97f4a7c15ull) >> 58;
  }

  mutable std::array<Stripe, kStripes> stripes_;
  std::atomic<uint32_t> turn_{0};
};

}  // namespace latchkey::verify
