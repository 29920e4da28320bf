#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace latchkey {
namespace {

struct Counter {
  Mutex mutex;
  ConditionVariable changed;
  int count LK_GUARDED_BY(mutex) = 0;
};

TEST(Mutex, LetsOneInAtATime) {
  Counter counter;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) {
          MutexLock lock(counter.mutex);
          ++counter.count;
        }
      });
    }
  }
  MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.count, 4000);
}

TEST(ConditionVariable, WakesWhoWaits) {
  Counter counter;
  std::jthread other([&] {
    MutexLock lock(counter.mutex);
    counter.count = 1;
    counter.changed.notify_all();
  });
  MutexLock lock(counter.mutex);
  while (counter.count == 0) counter.changed.wait(counter.mutex);
  EXPECT_EQ(counter.count, 1);
}

TEST(ConditionVariable, TellsThatTheTimePassed) {
  Counter counter;
  MutexLock lock(counter.mutex);
  EXPECT_FALSE(counter.changed.wait_for(counter.mutex, std::chrono::milliseconds(1)));
  counter.count = 1;  // held again
}

}  // namespace
}  // namespace latchkey
