#include "app/log_follower.h"

#include <gmock/gmock.h>

#include "verify/feed_for_test.h"

namespace latchkey::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using verify::id_for_test;

// The log of a database: event n has the hash `first byte n, second byte history`.
class LogFollowerTest : public testing::Test, protected LogSource {
 protected:
  using Log = std::vector<core::Event>;

  static Digest hash(uint64_t revision, uint8_t history) {
    Digest hash{};
    if (revision > 0) hash = {static_cast<uint8_t>(revision), history};
    return hash;
  }
  // Appends an event of `history` to `log`.
  static void append(Log& log, uint8_t history = 0) {
    core::Event event;
    event.revision = {log.size() + 1};
    event.previous_hash = log.empty() ? Digest{} : log.back().hash;
    event.hash = hash(event.revision.number, history);
    log.push_back(event);
  }
  store::LogHead head_of(const Log& log) const {
    return {{log.size()}, log.empty() ? Digest{} : log.back().hash, epoch_};
  }

  Result<store::LogHead> confirm_head() override {
    ++confirmations_;
    if (on_confirm_) on_confirm_();
    if (is_cut_) return Error(ErrorCode::store_unavailable);
    return head_of(primary_);
  }
  Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                          Milliseconds wait) override {
    waits_.push_back(wait.count());
    const Log& log = read_from();
    if (after.number >= log.size()) {
      clock_.advance(wait);
      return Log();
    }
    const size_t end = std::min(log.size(), after.number + static_cast<size_t>(limit));
    return Log(log.begin() + static_cast<ptrdiff_t>(after.number),
               log.begin() + static_cast<ptrdiff_t>(end));
  }
  Result<void> give(core::Revision known, const CheckView& check) {
    const Log& log = view_of_ ? *view_of_ : read_from();
    const uint64_t at = known.number;
    LK_CHECK(check(head_of(log), at >= 1 && at <= log.size() ? &log[at - 1] : nullptr));
    return breaks_off_ ? Result<void>(Error(ErrorCode::store_unavailable)) : Result<void>();
  }
  Result<void> give_all(core::Revision known, const CheckView& check,
                        const verify::Feed::Sink&) override {
    return give(known, check);
  }
  Result<void> give_changes(const std::vector<core::Event>& events, const CheckView& check,
                            const verify::Feed::Sink& sink) override {
    LK_CHECK(give(events.back().revision, check));
    for (const core::Event& event : events) {
      verify::MembershipItem item;
      item.person = id_for_test<core::PersonId>(event.revision.number);
      item.active = !only_refuses_;
      sink(item);
    }
    return {};
  }
  const Log& read_from() const { return events_of_ ? *events_of_ : primary_; }

  void load(uint64_t events = 3) {
    while (primary_.size() < events) append(primary_);
    const auto loaded = follower_.load([](const verify::FeedItem&) {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    at_ = loaded->position;
  }
  // The name of the outcome; moves at_ along.
  std::string follow(Milliseconds wait = Milliseconds(0)) {
    given_.clear();
    auto reached = follower_.follow(at_, wait, [&](const verify::FeedItem& item) {
      given_.push_back(std::get<verify::MembershipItem>(item).person.uuid.bytes[15]);
    });
    if (!reached) return std::string(error_name(reached.error().code));
    EXPECT_EQ(reached->marks.size(), reached->position.revision.number - at_.revision.number);
    at_ = reached->position;
    current_at_ = reached->current_at->ms;
    return "done";
  }

  FakeClock clock_{Instant{0}};
  const core::Epoch epoch_ = id_for_test<core::Epoch>(7);
  Log primary_;
  const Log* events_of_ = nullptr;  // null: the primary's
  const Log* view_of_ = nullptr;    // null: where the events come from
  bool only_refuses_ = false;       // what is given
  bool is_cut_ = false;
  bool breaks_off_ = false;  // what is given, in the middle
  std::function<void()> on_confirm_;
  int confirmations_ = 0;
  std::vector<int64_t> waits_;
  std::vector<uint64_t> given_;
  core::Position at_;
  int64_t current_at_ = 0;
  LogFollower follower_{*this, clock_};
};

TEST_F(LogFollowerTest, IsCurrentAtWhenAPrimaryWasAsked) {
  clock_.advance(Milliseconds(100));
  on_confirm_ = [&] { clock_.advance(Milliseconds(30)); };
  load();
  EXPECT_EQ(follow(Milliseconds(250)), "done");
  // Nothing came in what was left of the wait, then the primary was asked. (The load asked twice.)
  EXPECT_THAT(waits_, ElementsAre(220));
  EXPECT_EQ(current_at_, 380);
  EXPECT_THAT(given_, IsEmpty());
}

TEST_F(LogFollowerTest, WhatOnlyRefusesIsToldAtOnceAndConfirmedWithTheNextPoll) {
  load();
  const int confirmations = confirmations_;
  only_refuses_ = true;
  append(primary_);
  clock_.advance(Milliseconds(10));
  EXPECT_EQ(follow(Milliseconds(250)), "done");
  EXPECT_THAT(given_, ElementsAre(4));
  EXPECT_EQ(at_.revision.number, 4u);
  EXPECT_EQ(current_at_, 0);
  EXPECT_EQ(confirmations_, confirmations);
  // A stream of changes does not put the confirmation off.
  append(primary_);
  clock_.advance(Milliseconds(240));
  EXPECT_EQ(follow(Milliseconds(250)), "done");
  EXPECT_EQ(current_at_, 250);
  EXPECT_EQ(confirmations_, confirmations + 1);
}

TEST_F(LogFollowerTest, WhatLetsThroughIsToldOnceItIsConfirmed) {
  load();
  append(primary_);
  clock_.advance(Milliseconds(10));
  is_cut_ = true;
  EXPECT_EQ(follow(Milliseconds(250)), "store_unavailable");
  EXPECT_THAT(given_, IsEmpty());
  is_cut_ = false;
  EXPECT_EQ(follow(Milliseconds(250)), "done");
  EXPECT_THAT(given_, ElementsAre(4));
  EXPECT_EQ(current_at_, 10);
}

// The view of the last round goes on past the confirmation that it was read for (found by the
// simulation: an enabled person that was lost).
TEST_F(LogFollowerTest, WhatAViewShowedIsToldOnceItIsConfirmedToo) {
  load();
  append(primary_);
  Log other = primary_;
  append(other, 1);
  // Event 4 is known from the confirmation; its rows are read where 5 is there, which is lost.
  clock_.advance(Milliseconds(250));
  Log none(primary_.begin(), primary_.end() - 1);
  events_of_ = &none;
  on_confirm_ = [&] {
    events_of_ = nullptr;
    view_of_ = &other;
  };
  EXPECT_EQ(follow(Milliseconds(1)), "done");
  EXPECT_THAT(given_, IsEmpty());
  EXPECT_EQ(at_.revision.number, 3u);
  on_confirm_ = nullptr;
  view_of_ = nullptr;
  EXPECT_EQ(follow(Milliseconds(250)), "feed_truncated");
}

TEST_F(LogFollowerTest, ALoadWhoseViewShowedMoreThanCameTrueIsNone) {
  append(primary_);
  Log other = primary_;
  append(other, 1);
  view_of_ = &other;
  const auto loaded = follower_.load([](const verify::FeedItem&) {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::feed_truncated);
}

TEST_F(LogFollowerTest, WithoutAPrimaryThatConfirmsNothingIsCurrent) {
  load();
  is_cut_ = true;
  EXPECT_EQ(follow(Milliseconds(250)), "store_unavailable");
  is_cut_ = false;
  EXPECT_EQ(follow(), "done");
  EXPECT_EQ(current_at_, 250);
}

TEST_F(LogFollowerTest, AllThatAPrimaryConfirmedIsGivenFirst) {
  load();
  const Log before = primary_;
  append(primary_);
  append(primary_);
  events_of_ = &before;  // a standby that is behind
  EXPECT_EQ(follow(), "store_unavailable");
  EXPECT_EQ(at_.revision.number, 3u);
  events_of_ = nullptr;
  EXPECT_EQ(follow(), "done");
  EXPECT_EQ(at_.revision.number, 5u);
}

TEST_F(LogFollowerTest, RowsOfAViewFromBeforeTheEventsAreNotTaken) {
  load();
  const Log before = primary_;
  append(primary_);
  view_of_ = &before;
  EXPECT_EQ(follow(), "store_unavailable");
  EXPECT_EQ(at_.revision.number, 3u);
  // As new, and of another history.
  Log other = before;
  append(other, 1);
  view_of_ = &other;
  EXPECT_EQ(follow(), "store_unavailable");
  view_of_ = nullptr;
  EXPECT_EQ(follow(), "done");
}

TEST_F(LogFollowerTest, ALogThatIsNoContinuationIsLoadedAnew) {
  load();
  primary_.pop_back();
  append(primary_, 1);  // another event 3: a failover lost ours
  EXPECT_EQ(follow(), "feed_truncated");
  append(primary_, 1);
  EXPECT_EQ(follow(), "feed_truncated");
  primary_.resize(2);  // a shorter log
  EXPECT_EQ(follow(), "feed_truncated");
  load(2);
  EXPECT_EQ(follow(), "done");
}

// It goes on past what was read, so that its events are the next ones by their numbers.
TEST_F(LogFollowerTest, AnotherLogThatGoesOnIsLoadedAnew) {
  load();
  primary_.pop_back();
  append(primary_, 1);
  append(primary_, 1);
  EXPECT_EQ(follow(), "feed_truncated");
  EXPECT_THAT(given_, IsEmpty());
}

TEST_F(LogFollowerTest, WhatAViewShowedAheadMustComeTrue) {
  load();
  only_refuses_ = true;
  append(primary_);
  Log other = primary_;
  append(other, 1);  // event 5 is on a primary that is going to lose it
  view_of_ = &other;
  EXPECT_EQ(follow(Milliseconds(250)), "done");
  EXPECT_EQ(at_.revision.number, 4u);
  view_of_ = nullptr;
  append(primary_);
  append(primary_);
  EXPECT_EQ(follow(Milliseconds(250)), "feed_truncated");
}

TEST_F(LogFollowerTest, WhatAViewShowedAheadAndIsNotThereWasLost) {
  load();
  append(primary_);
  Log other = primary_;
  append(other, 1);
  view_of_ = &other;
  EXPECT_EQ(follow(), "feed_truncated");
  view_of_ = nullptr;
  load(4);
  EXPECT_EQ(follow(), "done");
}

// What a round gave is in the index whatever became of the round (found by the simulation).
TEST_F(LogFollowerTest, WhatARoundThatFailedGaveMustComeTrueToo) {
  for (const bool in_the_middle : {false, true}) {
    load();
    Log other = primary_;
    append(other, 1);
    events_of_ = &other;
    (in_the_middle ? breaks_off_ : is_cut_) = true;
    EXPECT_EQ(follow(), "store_unavailable");
    events_of_ = nullptr;
    breaks_off_ = is_cut_ = false;
    append(primary_);
    EXPECT_EQ(follow(), "feed_truncated");
  }
}

TEST_F(LogFollowerTest, WhatIsLostStaysSoUntilAllWasLoaded) {
  load();
  const Log before = primary_;
  primary_.pop_back();
  append(primary_, 1);
  EXPECT_EQ(follow(), "feed_truncated");
  primary_ = before;  // a connection that reaches the one before: what was given may be of both
  EXPECT_EQ(follow(), "feed_truncated");
  view_of_ = &primary_;
  load();
  EXPECT_EQ(follow(), "done");
}

TEST_F(LogFollowerTest, ALoadIsOfAViewThatHoldsWhatWasConfirmed) {
  append(primary_);
  const Log before = primary_;
  append(primary_);
  view_of_ = &before;
  const auto loaded = follower_.load([](const verify::FeedItem&) {});
  EXPECT_EQ(loaded.error().code, ErrorCode::store_unavailable);
}

TEST_F(LogFollowerTest, APositionOfSomebodyElseIsTruncated) {
  load();
  at_.epoch = id_for_test<core::Epoch>(8);
  EXPECT_EQ(follow(), "feed_truncated");
  load();
  at_ = {epoch_, {2}};
  EXPECT_EQ(follow(), "feed_truncated");
}

}  // namespace
}  // namespace latchkey::app
