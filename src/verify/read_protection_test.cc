#include "verify/read_protection.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace latchkey::verify {
namespace {

TEST(ReadProtection, SynchronizeReturnsWithoutReaders) {
  ReadProtection protection;
  { const auto guard = protection.enter(); }
  protection.synchronize();
}

TEST(ReadProtection, SynchronizeWaitsForAReader) {
  ReadProtection protection;
  std::atomic<bool> entered{false}, leaving{false};
  std::jthread reader([&] {
    const auto guard = protection.enter();
    entered = true;
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    leaving = true;
  });
  while (!entered) std::this_thread::yield();
  protection.synchronize();
  EXPECT_TRUE(leaving);
}

// What is freed after synchronize() is seen by nobody: a reader would find a value that is gone.
TEST(ReadProtection, NothingIsFreedUnderAReader) {
  ReadProtection protection;
  auto owned = std::make_unique<std::atomic<int>>(1);
  std::atomic<std::atomic<int>*> published{owned.get()};
  std::atomic<bool> failed{false};
  std::vector<std::jthread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const auto guard = protection.enter();
        const std::atomic<int>& value = *published.load(std::memory_order_seq_cst);
        for (int i = 0; i < 10; ++i) {
          if (value != 1) failed = true;
        }
      }
    });
  }
  for (int i = 0; i < 2000; ++i) {
    auto successor = std::make_unique<std::atomic<int>>(1);
    published.store(successor.get(), std::memory_order_seq_cst);
    protection.synchronize();
    *owned = 0;
    owned = std::move(successor);
  }
  readers.clear();
  EXPECT_FALSE(failed);
}

}  // namespace
}  // namespace latchkey::verify
