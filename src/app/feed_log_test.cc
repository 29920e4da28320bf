#include "app/feed_log.h"

#include <gmock/gmock.h>

#include "verify/feed_for_test.h"
#include "verify/feed_message.h"

namespace latchkey::app {
namespace {

using verify::id_for_test;

FeedLog::Items items(size_t count) { return FeedLog::Items(count, verify::MembershipItem{}); }

constexpr uint64_t kMark = 1000;  // of event 0; each has one more than the one before

FeedLog::Level level(uint64_t revision, Ticks current_at = {}) {
  return {{id_for_test<core::Epoch>(1), {revision}}, kMark + revision, current_at};
}

// Appends the events up to `revision`.
void append(FeedLog& log, uint64_t revision, FeedLog::Items given, Ticks current_at = {}) {
  verify::Reached reached{{id_for_test<core::Epoch>(1), {revision}}};
  for (uint64_t r = log.level()->position.revision.number + 1; r <= revision; ++r) {
    reached.marks.push_back(kMark + r);
  }
  log.append(reached, current_at, std::move(given));
}

size_t count_of(const std::optional<FeedLog::Part>& part) {
  size_t count = 0;
  for (const auto& round : part->rounds) count += round->size();
  return count;
}

TEST(FeedLog, TellsWhatCameAfterAPosition) {
  FeedLog log;
  int calls = 0;
  log.on_change([&] { ++calls; });
  log.begin(level(10));
  append(log, 12, items(2));
  append(log, 13, {});
  append(log, 15, items(3));
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(log.level()->position, (core::Position{id_for_test<core::Epoch>(1), {15}}));
  EXPECT_EQ(log.level()->mark, kMark + 15);
  EXPECT_FALSE(log.after({9}, 100));
  EXPECT_EQ(count_of(log.after({10}, 100)), 5u);
  EXPECT_EQ(log.after({10}, 100)->reached.number, 15u);
  // A round that a position lies within is told whole: items do no harm twice.
  EXPECT_EQ(count_of(log.after({11}, 100)), 5u);
  EXPECT_EQ(count_of(log.after({12}, 100)), 3u);
  EXPECT_EQ(count_of(log.after({15}, 100)), 0u);
  EXPECT_EQ(log.after({15}, 100)->reached.number, 15u);
}

TEST(FeedLog, KnowsWhichEventsItHas) {
  using Knows = FeedLog::Knows;
  FeedLog log(4);
  EXPECT_FALSE(log.level());
  EXPECT_EQ(log.look_for({0}, 0), Knows::later);
  log.begin(level(10));
  EXPECT_EQ(log.look_for({9}, kMark + 9), Knows::forgotten);
  EXPECT_EQ(log.look_for({10}, kMark + 10), Knows::same);
  EXPECT_EQ(log.look_for({10}, kMark + 9), Knows::other);
  EXPECT_EQ(log.look_for({11}, kMark + 11), Knows::later);
  append(log, 12, items(1));
  EXPECT_EQ(log.look_for({11}, kMark + 11), Knows::same);  // also within a round
  EXPECT_EQ(log.after({10}, 100)->mark, kMark + 12);
  append(log, 14, items(1));
  append(log, 15, items(1));
  EXPECT_EQ(log.look_for({11}, kMark + 11), Knows::forgotten);
  EXPECT_EQ(log.look_for({12}, kMark + 12), Knows::same);
  EXPECT_EQ(log.look_for({15}, 1), Knows::other);
  EXPECT_EQ(log.wait_for({16}, kMark + 16, Milliseconds(1)), Knows::later);
  // A load is another log, whatever it has in common with the one before.
  const uint64_t generation = log.level()->generation;
  log.begin(level(15));
  EXPECT_NE(log.level()->generation, generation);
}

TEST(FeedLog, SaysForWhichMomentItIsAll) {
  FeedLog log;
  int calls = 0;
  log.on_change([&] { ++calls; });
  log.begin(level(10, Ticks{100}));
  append(log, 10, {}, Ticks{200});
  EXPECT_EQ(log.level()->current_at, Ticks{200});
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(log.after({10}, 100)->rounds.empty());
  append(log, 11, items(1), Ticks{150});  // a change that nobody confirmed yet
  EXPECT_EQ(log.level()->current_at, Ticks{200});
  log.begin(level(11, Ticks{50}));
  EXPECT_EQ(log.level()->current_at, Ticks{50});
}

TEST(FeedLog, CutsBetweenRounds) {
  FeedLog log;
  log.begin(level(0));
  append(log, 1, items(4));
  append(log, 2, items(4));
  EXPECT_EQ(log.after({0}, 5)->reached.number, 1u);
  EXPECT_EQ(log.after({0}, 8)->reached.number, 2u);
  EXPECT_EQ(log.after({0}, 1)->reached.number, 1u);  // one round at least
}

TEST(FeedLog, ForgetsTheOldestAndWhatNoMessageTakes) {
  FeedLog log(10);
  log.begin(level(0));
  for (uint64_t revision = 1; revision <= 10; ++revision) append(log, revision, items(1));
  EXPECT_FALSE(log.after({4}, 100));
  EXPECT_EQ(count_of(log.after({5}, 100)), 5u);
  append(log, 11, items(verify::kFeedMessageItemsMax + 1));
  EXPECT_FALSE(log.after({10}, 100));
  EXPECT_EQ(count_of(log.after({11}, 100)), 0u);
}

TEST(RecordingFeed, NotesWhatWasGivenAlsoByARoundThatFailed) {
  verify::FeedForTest inner;
  FeedLog log;
  FakeClock clock(Instant{0});
  RecordingFeed feed(inner, log, clock);
  inner.add(verify::MembershipItem{});
  int seen = 0;
  const auto sink = [&](const verify::FeedItem&) { ++seen; };
  ASSERT_TRUE(feed.load(sink));
  EXPECT_EQ(log.level()->position.revision.number, 1u);
  inner.add(verify::MembershipItem{});
  inner.fail(ErrorCode::store_unavailable, 1);
  EXPECT_FALSE(feed.follow({{}, {1}}, Milliseconds(0), sink));
  EXPECT_EQ(log.level()->position.revision.number, 1u);
  ASSERT_TRUE(feed.follow({{}, {1}}, Milliseconds(0), sink));
  EXPECT_EQ(log.level()->position.revision.number, 2u);
  // The index took what the failed round gave, and no other round need give it again.
  EXPECT_EQ(count_of(log.after({1}, 100)), 2u);
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace latchkey::app
