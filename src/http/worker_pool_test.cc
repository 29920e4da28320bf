#include "http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

namespace latchkey::http {
namespace {

TEST(WorkerPool, RunsWhatIsPosted) {
  std::promise<int> done;
  WorkerPool pool(2, 10);
  EXPECT_TRUE(pool.post([&done] { done.set_value(7); }));
  EXPECT_EQ(done.get_future().get(), 7);
}

TEST(WorkerPool, TakesJobsThatOwnWhatCannotBeCopied) {
  std::promise<int> done;
  WorkerPool pool(1, 10);
  pool.post([&done, owned = std::make_unique<int>(5)] { done.set_value(*owned); });
  EXPECT_EQ(done.get_future().get(), 5);
}

TEST(WorkerPool, RefusesWhenFull) {
  std::promise<void> started;
  std::promise<void> gate;
  WorkerPool pool(1, 2);
  EXPECT_TRUE(pool.post([&] {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_EQ(pool.queued(), 2u);
  EXPECT_FALSE(pool.post([] { ADD_FAILURE() << "a refused job ran"; }));
  gate.set_value();
}

TEST(WorkerPool, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> count = 0;
  {
    WorkerPool pool(2, 1'000);
    for (int i = 0; i < 500; ++i) pool.post([&count] { ++count; });
  }
  EXPECT_EQ(count, 500);
}

TEST(WorkerPool, SurvivesAJobThatThrows) {
  std::promise<void> done;
  WorkerPool pool(1, 10);
  pool.post([] { throw std::runtime_error("of a library"); });
  pool.post([&done] { done.set_value(); });
  done.get_future().wait();
}

TEST(WorkerPool, RefusesWhileTheFirstJobHasWaitedForTooLong) {
  std::atomic<bool> go_on{false};
  WorkerPool pool(1, WorkerPool::Bounds{100, Milliseconds(20)}, nullptr);
  const auto block = [&] {
    while (!go_on) std::this_thread::sleep_for(Milliseconds(1));
  };
  ASSERT_TRUE(pool.post(block));
  while (pool.queued() > 0) std::this_thread::yield();
  ASSERT_TRUE(pool.post([] {}));
  EXPECT_TRUE(pool.post([] {}));
  std::this_thread::sleep_for(Milliseconds(25));
  EXPECT_FALSE(pool.post([] {}));
  go_on = true;
  while (pool.queued() > 0) std::this_thread::yield();
  EXPECT_TRUE(pool.post([] {}));
}

}  // namespace
}  // namespace latchkey::http
