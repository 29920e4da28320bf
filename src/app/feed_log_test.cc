#include "app/feed_log.h"

#include <gmock/gmock.h>

#include "verify/feed_for_test.h"
#include "verify/feed_message.h"

namespace latchkey::app {
namespace {

using verify::id_for_test;

FeedLog::Items items(size_t count) { return FeedLog::Items(count, verify::MembershipItem{}); }

size_t count_of(const std::optional<FeedLog::Part>& part) {
  size_t count = 0;
  for (const auto& round : part->rounds) count += round->size();
  return count;
}

TEST(FeedLog, TellsWhatCameAfterAPosition) {
  FeedLog log;
  int calls = 0;
  log.on_change([&] { ++calls; });
  log.begin({id_for_test<core::Epoch>(1), {10}});
  log.append({12}, items(2));
  log.append({13}, {});
  log.append({15}, items(3));
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(log.reached(), (core::Position{id_for_test<core::Epoch>(1), {15}}));
  EXPECT_FALSE(log.after({9}, 100));
  EXPECT_EQ(count_of(log.after({10}, 100)), 5u);
  EXPECT_EQ(log.after({10}, 100)->reached.number, 15u);
  // A round that a position lies within is told whole: items do no harm twice.
  EXPECT_EQ(count_of(log.after({11}, 100)), 5u);
  EXPECT_EQ(count_of(log.after({12}, 100)), 3u);
  EXPECT_EQ(count_of(log.after({15}, 100)), 0u);
  EXPECT_EQ(log.after({15}, 100)->reached.number, 15u);
}

TEST(FeedLog, CutsBetweenRounds) {
  FeedLog log;
  log.begin({{}, {0}});
  log.append({1}, items(4));
  log.append({2}, items(4));
  EXPECT_EQ(log.after({0}, 5)->reached.number, 1u);
  EXPECT_EQ(log.after({0}, 8)->reached.number, 2u);
  EXPECT_EQ(log.after({0}, 1)->reached.number, 1u);  // one round at least
}

TEST(FeedLog, ForgetsTheOldestAndWhatNoMessageTakes) {
  FeedLog log(10);
  log.begin({{}, {0}});
  for (uint64_t revision = 1; revision <= 10; ++revision) log.append({revision}, items(1));
  EXPECT_FALSE(log.after({4}, 100));
  EXPECT_EQ(count_of(log.after({5}, 100)), 5u);
  log.append({11}, items(verify::kFeedMessageItemsMax + 1));
  EXPECT_FALSE(log.after({10}, 100));
  EXPECT_EQ(count_of(log.after({11}, 100)), 0u);
}

TEST(RecordingFeed, NotesWhatWasGivenAndNothingOfARoundThatFailed) {
  verify::FeedForTest inner;
  FeedLog log;
  RecordingFeed feed(inner, log);
  inner.add(verify::MembershipItem{});
  int seen = 0;
  const auto sink = [&](const verify::FeedItem&) { ++seen; };
  ASSERT_TRUE(feed.load(sink));
  EXPECT_EQ(log.reached().revision.number, 1u);
  inner.add(verify::MembershipItem{});
  inner.fail(ErrorCode::store_unavailable, 1);
  EXPECT_FALSE(feed.follow({{}, {1}}, Milliseconds(0), sink));
  EXPECT_EQ(log.reached().revision.number, 1u);
  ASSERT_TRUE(feed.follow({{}, {1}}, Milliseconds(0), sink));
  EXPECT_EQ(log.reached().revision.number, 2u);
  EXPECT_EQ(count_of(log.after({1}, 100)), 1u);
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace latchkey::app
