#include "gate/usage_recorder.h"

#include <gmock/gmock.h>

#include <thread>

namespace latchkey::gate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kDayMs = 86'400'000;

core::TokenId token(uint8_t last) {
  core::TokenId id;
  id.uuid.bytes[15] = last;
  return id;
}

TEST(UsageRecorder, CountsByTokenAndUtcDay) {
  UsageRecorder recorder;
  recorder.note({token(1), {kDayMs - 1}, true, "192.0.2.1", "git/2"});
  recorder.note({token(1), {kDayMs}, true, "192.0.2.2", "curl"});
  recorder.note({token(1), {kDayMs + 5}, false, "192.0.2.3", "evil"});
  recorder.note({token(2), {kDayMs}, false});
  EXPECT_THAT(recorder.pending(token(1)), ElementsAre(UsageDay{0, 1, 0}, UsageDay{1, 1, 1}));
  auto batch = recorder.take(10);
  ASSERT_EQ(batch.size(), 2u);
  if (batch[0].token != token(1)) std::swap(batch[0], batch[1]);
  EXPECT_EQ(batch[0].last_used_at, Instant{kDayMs});  // a refused one is no use
  EXPECT_EQ(batch[0].address, "192.0.2.2");
  EXPECT_EQ(batch[0].user_agent, "curl");
  EXPECT_EQ(batch[1].last_used_at, Instant{0});
  EXPECT_THAT(batch[1].days, ElementsAre(UsageDay{1, 0, 1}));
  EXPECT_THAT(recorder.take(10), IsEmpty());
  EXPECT_THAT(recorder.pending(token(1)), IsEmpty());
}

TEST(UsageRecorder, WhatIsGivenBackIsCountedOnce) {
  UsageRecorder recorder;
  recorder.note({token(1), {5}, true, "a", "old"});
  const auto batch = recorder.take(1);
  recorder.note({token(1), {9}, true, "b", "new"});
  recorder.give_back(batch);
  const auto all = recorder.take(1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0].days, ElementsAre(UsageDay{0, 2, 0}));
  EXPECT_EQ(all[0].user_agent, "new");
  EXPECT_EQ(recorder.entries(), 0u);
}

TEST(UsageRecorder, IsBoundAndSaysWhatItForgot) {
  UsageRecorder recorder(16);  // one a shard
  for (int i = 0; i < 200; ++i) recorder.note({token(static_cast<uint8_t>(i)), {5}, true});
  EXPECT_LE(recorder.entries(), 16u);
  EXPECT_EQ(recorder.entries() + recorder.dropped(), 200u);
  UsageRecorder days;
  for (int i = 0; i < 20; ++i) days.note({token(1), {i * kDayMs}, true});
  EXPECT_EQ(days.pending(token(1)).size(), UsageRecorder::kDaysMax);
  EXPECT_EQ(days.dropped(), 20 - UsageRecorder::kDaysMax);
}

TEST(UsageRecorder, KeepsABoundedPartOfWellFormedTexts) {
  UsageRecorder recorder;
  const std::string long_agent = std::string(255, 'x') + "äöü";
  recorder.note({token(1), {5}, true, "192.0.2.1", long_agent});
  EXPECT_EQ(recorder.take(1)[0].user_agent, std::string(255, 'x'));
  recorder.note({token(1), {5}, true, "192.0.2.1", "a\nb"});
  EXPECT_EQ(recorder.take(1)[0].user_agent, "");
  recorder.note({token(1), {5}, true, "192.0.2.1", "\xff"});
  EXPECT_EQ(recorder.take(1)[0].user_agent, "");
}

TEST(UsageRecorder, TakesABatchAtATimeFromAllShards) {
  UsageRecorder recorder;
  for (int i = 0; i < 100; ++i) recorder.note({token(static_cast<uint8_t>(i)), {5}, true});
  size_t taken = 0;
  for (int round = 0; round < 34; ++round) {
    const size_t count = recorder.take(3).size();
    EXPECT_LE(count, 3u);
    taken += count;
  }
  EXPECT_EQ(taken, 100u);
}

TEST(UsageRecorder, LosesNothingBetweenThreads) {
  UsageRecorder recorder;
  constexpr int kThreads = 4;
  constexpr int kNotes = 5'000;
  std::atomic<uint64_t> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kNotes; ++i) recorder.note({token(static_cast<uint8_t>(i)), {5}, true});
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        const auto batch = recorder.take(20);
        if (i % 3 == 0) {
          recorder.give_back(batch);
          continue;
        }
        for (const TokenUsage& usage : batch) taken += usage.days.at(0).allowed;
      }
    });
  }
  for (const TokenUsage& usage : recorder.take(1'000)) taken += usage.days.at(0).allowed;
  EXPECT_EQ(taken.load(), uint64_t{kThreads} * kNotes);
}

}  // namespace
}  // namespace latchkey::gate
