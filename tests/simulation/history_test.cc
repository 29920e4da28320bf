#include "simulation/history.h"

#include <gtest/gtest.h>

namespace latchkey::simulation {
namespace {

constexpr int64_t kBound = 100;

// Text 1 of person 1 was made at 10 to 20 (revision 1); nothing else.
class HistoryTest : public testing::Test {
 protected:
  HistoryTest() { acknowledge(ChangeKind::create, 10, 20); }

  Change& acknowledge(ChangeKind kind, int64_t began, int64_t ended) {
    Change change{.kind = kind, .person = 1, .began = began, .ended = ended};
    change.outcome = Outcome::acknowledged;
    change.revision = ++revision_;
    if (kind == ChangeKind::create) change.text = 1;
    if (kind == ChangeKind::revoke || kind == ChangeKind::regenerate) change.old_text = 1;
    if (kind == ChangeKind::regenerate) change.text = 2;
    return history_.change(history_.begin(change));
  }
  void make_unknown(Change& change) {
    change.outcome = Outcome::unknown;
    change.ended = kNever;
    change.revision = 0;
  }
  // Whether a check of text 1 that began and ended then may have this answer.
  bool may(Answer answer, int64_t began, int64_t ended, uint64_t min_revision = 0) {
    History copy = history_;
    copy.add({"node", 1, 1, began, ended, answer, min_revision, 1'000});
    return copy.find_violations().empty();
  }

  History history_{kBound};
  uint64_t revision_ = 0;
};

TEST_F(HistoryTest, WhatWasMadeIsKnownAfterTheBoundAndMayBeBefore) {
  EXPECT_TRUE(may(Answer::unknown, 0, 5));
  EXPECT_FALSE(may(Answer::accepted, 0, 9));  // nobody had made it
  EXPECT_TRUE(may(Answer::accepted, 0, 11));
  EXPECT_TRUE(may(Answer::unknown, 120, 130));
  EXPECT_FALSE(may(Answer::unknown, 121, 130));
  EXPECT_TRUE(may(Answer::stale, 500, 600));
  EXPECT_FALSE(may(Answer::revoked, 500, 600));
  EXPECT_FALSE(may(Answer::disabled, 500, 600));
}

TEST_F(HistoryTest, WhatWasRevokedIsRefusedAfterTheBound) {
  acknowledge(ChangeKind::revoke, 200, 210);
  EXPECT_FALSE(may(Answer::revoked, 190, 200));
  EXPECT_TRUE(may(Answer::revoked, 190, 201));
  EXPECT_TRUE(may(Answer::accepted, 310, 400));
  EXPECT_FALSE(may(Answer::accepted, 311, 400));
}

TEST_F(HistoryTest, RegenerationEndsTheOldText) {
  acknowledge(ChangeKind::regenerate, 200, 210);
  EXPECT_FALSE(may(Answer::accepted, 311, 400));
  EXPECT_TRUE(may(Answer::revoked, 311, 400));
}

TEST_F(HistoryTest, AnAnswerThatWasLostMayHaveHappenedOrNot) {
  make_unknown(acknowledge(ChangeKind::revoke, 200, 210));
  EXPECT_TRUE(may(Answer::accepted, 900, 901));
  EXPECT_TRUE(may(Answer::revoked, 900, 901));
}

TEST_F(HistoryTest, WhatAFailoverLostIsForgottenWithinTheBound) {
  acknowledge(ChangeKind::revoke, 200, 210);
  Change& revoke = history_.change(1);
  make_unknown(revoke);
  revoke.lost_at = 250;
  revoke.gone_at = 300;
  EXPECT_TRUE(may(Answer::revoked, 400, 401));
  EXPECT_FALSE(may(Answer::revoked, 401, 402));
  Change& create = history_.change(0);
  make_unknown(create);
  create.lost_at = 250;
  create.gone_at = 300;
  EXPECT_TRUE(may(Answer::accepted, 350, 351));
  EXPECT_FALSE(may(Answer::accepted, 351, 352));
}

TEST_F(HistoryTest, AnAcknowledgedChangeIsNeverLost) {
  EXPECT_TRUE(history_.find_violations().empty());
  history_.change(0).in_log = false;
  EXPECT_EQ(history_.find_violations().size(), 1u);
}

TEST_F(HistoryTest, ARefusedChangeNeverHappens) {
  acknowledge(ChangeKind::revoke, 200, 210).outcome = Outcome::refused;
  EXPECT_FALSE(may(Answer::revoked, 220, 230));
}

TEST_F(HistoryTest, OfStatesTheLastOneCounts) {
  acknowledge(ChangeKind::disable, 200, 210);
  EXPECT_FALSE(may(Answer::accepted, 311, 320));
  EXPECT_TRUE(may(Answer::disabled, 311, 320));
  acknowledge(ChangeKind::enable, 330, 340);
  EXPECT_TRUE(may(Answer::accepted, 320, 331));
  EXPECT_TRUE(may(Answer::disabled, 440, 450));
  EXPECT_FALSE(may(Answer::disabled, 441, 450));
  acknowledge(ChangeKind::disable, 500, 510);
  EXPECT_FALSE(may(Answer::accepted, 611, 620));
}

TEST_F(HistoryTest, StatesWhoseOrderIsOpenAllowBoth) {
  acknowledge(ChangeKind::disable, 200, 220);
  acknowledge(ChangeKind::enable, 210, 230);
  EXPECT_TRUE(may(Answer::accepted, 900, 910));
  EXPECT_TRUE(may(Answer::disabled, 900, 910));
}

TEST_F(HistoryTest, WhoAsksForARevisionGetsIt) {
  const uint64_t revision = acknowledge(ChangeKind::revoke, 200, 210).revision;
  EXPECT_TRUE(may(Answer::accepted, 220, 230));
  EXPECT_FALSE(may(Answer::accepted, 220, 230, revision));
}

TEST_F(HistoryTest, AnIndexIsAtLeastWhereWhatItMustKnowIs) {
  history_.add({"node", 1, 1, 500, 510, Answer::accepted, 0, 0});
  EXPECT_EQ(history_.find_violations().size(), 1u);
}

}  // namespace
}  // namespace latchkey::simulation
