#include "verify/message_feed.h"

#include <gmock/gmock.h>

#include <deque>

#include "verify/feed_for_test.h"

namespace latchkey::verify {
namespace {

using testing::ElementsAre;

// A feed whose messages the test puts there, and that notes what it is asked.
class CannedFeed final : public MessageFeed {
 public:
  explicit CannedFeed(FakeClock& clock) : MessageFeed(clock), clock_(clock) {}

  std::deque<FeedMessage> answers;  // store_unavailable when there is none
  std::vector<std::string> asked;
  Milliseconds delay{0};  // of each answer

 private:
  Result<FeedMessage> ask_snapshot(const std::string& cursor) override {
    return next("page " + cursor);
  }
  Result<FeedMessage> ask_changes(const Question& question) override {
    return next(std::to_string(question.after.revision.number) + " seen " +
                std::to_string(question.seen.revision.number) + "." +
                std::to_string(question.seen.mark));
  }
  void take_keys(const FeedKeys&) override {}
  Result<FeedMessage> next(std::string question) {
    asked.push_back(std::move(question));
    clock_.advance(delay);
    if (answers.empty()) return Error(ErrorCode::store_unavailable);
    FeedMessage answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }

  FakeClock& clock_;
};

class MessageFeedTest : public testing::Test {
 protected:
  MessageFeedTest() { clock_.advance(Milliseconds(5'000)); }

  struct Part {
    uint64_t revision = 5;
    int current_after_ms = 0;
    const char* next = "";
    bool more = false;
  };
  // A message whose mark is ten times its revision.
  FeedMessage message(const Part& part) const {
    FeedMessage made;
    made.position = {epoch_, {part.revision}};
    made.mark = part.revision * 10;
    made.current_after = Milliseconds(part.current_after_ms);
    made.next = part.next;
    made.more = part.more;
    return made;
  }
  void answer(std::initializer_list<Part> parts) {
    feed_.answers.clear();
    for (const Part& part : parts) feed_.answers.push_back(message(part));
  }
  Result<Reached> follow(uint64_t after) {
    return feed_.follow({epoch_, {after}}, Milliseconds(0), nowhere_);
  }
  Result<Reached> load() { return feed_.load(nowhere_); }

  const core::Epoch epoch_ = id_for_test<core::Epoch>(9);
  const Feed::Sink nowhere_ = [](const FeedItem&) {};
  FakeClock clock_{Instant{0}};
  CannedFeed feed_{clock_};
};

TEST_F(MessageFeedTest, AnAnswerIsAsOldAsTheServersIndexWas) {
  const auto current_at = [&](int current_after_ms) {
    answer({{.current_after_ms = current_after_ms}});
    return follow(5)->current_at->ms;
  };
  EXPECT_EQ(current_at(-700), 4'300);
  EXPECT_EQ(current_at(0), 5'000);
  // What the server learned while the gate waited counts, but nothing lies ahead.
  feed_.delay = Milliseconds(250);
  EXPECT_EQ(current_at(200), 5'200);
  EXPECT_EQ(current_at(9'999), 5'500);
  answer({{.current_after_ms = -600}});
  EXPECT_EQ(load()->current_at->ms, 4'900);
}

TEST_F(MessageFeedTest, TheAgeOfAnAnswerInPartsIsThatOfTheLast) {
  feed_.delay = Milliseconds(100);
  answer({{.revision = 6, .current_after_ms = 50, .more = true},
          {.revision = 7, .current_after_ms = -10}});
  const auto reached = follow(5);
  EXPECT_EQ(reached->position.revision.number, 7u);
  EXPECT_EQ(reached->current_at->ms, 5'090);
}

TEST_F(MessageFeedTest, TheAgeOfASnapshotIsThatOfItsFirstPage) {
  feed_.delay = Milliseconds(100);
  answer({{.current_after_ms = -10, .next = "m.1"}, {.current_after_ms = -10}});
  EXPECT_EQ(load()->current_at->ms, 4'990);
}

TEST_F(MessageFeedTest, SaysWhatItHasSeenSoThatAnotherHistoryIsFound) {
  answer({{.revision = 5, .next = "m.1"}, {.revision = 8, .next = "t.2"}, {.revision = 7}});
  ASSERT_TRUE(load());
  feed_.asked.clear();
  answer({{.revision = 6}, {.revision = 11}, {.revision = 11}});
  ASSERT_TRUE(follow(5));
  ASSERT_TRUE(follow(6));
  ASSERT_TRUE(follow(11));
  EXPECT_THAT(feed_.asked, ElementsAre("5 seen 8.80", "6 seen 8.80", "11 seen 11.110"));
}

TEST_F(MessageFeedTest, APageFromBeforeTheFirstIsNotTaken) {
  answer({{.revision = 5}});
  ASSERT_TRUE(load());
  // It came from a node that is further behind.
  answer({{.revision = 9, .next = "m.1"}, {.revision = 8}});
  EXPECT_EQ(load().error().code, ErrorCode::store_unavailable);
  // Of what was not loaded nothing is said to be seen.
  feed_.asked.clear();
  answer({{.revision = 5}});
  ASSERT_TRUE(follow(5));
  EXPECT_THAT(feed_.asked, ElementsAre("5 seen 5.50"));
}

}  // namespace
}  // namespace latchkey::verify
