#include "http/admission.h"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

constexpr Milliseconds kBound{100};

// Notes `count` requests that waited so long, over 100 ms from `now` on.
void fill(Admission& admission, Ticks& now, int count, Milliseconds waited) {
  for (int i = 0; i < count; ++i) admission.note(waited, now + Milliseconds(i * 100 / count));
  now = now + Milliseconds(100);
}

TEST(Admission, ShedsStepByStepAndChecksLast) {
  Admission admission(kBound);
  Ticks now{1'000'000};
  EXPECT_TRUE(admission.takes(Work::ordinary));
  fill(admission, now, 10, kBound + Milliseconds(1));
  fill(admission, now, 10, kBound + Milliseconds(1));
  EXPECT_EQ(admission.level(), 1);
  EXPECT_FALSE(admission.takes(Work::ordinary));
  EXPECT_TRUE(admission.takes(Work::essential));
  EXPECT_TRUE(admission.takes_connections());
  fill(admission, now, 10, kBound * 2);
  EXPECT_FALSE(admission.takes_connections());
  EXPECT_TRUE(admission.takes(Work::essential));
  fill(admission, now, 10, kBound * 2);
  EXPECT_EQ(admission.level(), 3);
  EXPECT_NE(admission.takes(Work::essential), admission.takes(Work::essential));
  fill(admission, now, 10, kBound * 2);
  EXPECT_EQ(admission.level(), 3);
}

// Who is read late once, among others that are read at once, is no overload.
TEST(Admission, OneThatWaitedLittleIsEnough) {
  Admission admission(kBound);
  Ticks now{1'000'000};
  for (int window = 0; window < 20; ++window) {
    fill(admission, now, 5, kBound * 10);
    admission.note(Milliseconds(1), Ticks{now.ms - 1});
    EXPECT_EQ(admission.level(), 0);
  }
}

TEST(Admission, AtTheBoundItServes) {
  Admission admission(kBound);
  Ticks now{1'000'000};
  for (int window = 0; window < 20; ++window) fill(admission, now, 5, kBound);
  EXPECT_EQ(admission.level(), 0);
}

TEST(Admission, TakesOnAgainBelowHalfTheBound) {
  Admission admission(kBound);
  Ticks now{1'000'000};
  for (int window = 0; window < 5; ++window) fill(admission, now, 5, kBound * 2);
  for (int window = 0; window < 5; ++window) fill(admission, now, 5, kBound / 2);
  EXPECT_EQ(admission.level(), 3);
  fill(admission, now, 5, Milliseconds(0));
  for (int level = 3; level > 0; --level) {
    EXPECT_EQ(admission.level(), level);
    fill(admission, now, 5, Milliseconds(0));
  }
  EXPECT_TRUE(admission.takes(Work::ordinary));
}

TEST(Admission, AfterAPauseItBeginsAnew) {
  Admission admission(kBound);
  Ticks now{1'000'000};
  for (int window = 0; window < 5; ++window) fill(admission, now, 5, kBound * 2);
  now = now + Milliseconds(2'000);
  admission.note(Milliseconds(0), now);
  EXPECT_EQ(admission.level(), 0);
}

TEST(Admission, FewRequestsSayNothing) {
  Admission admission(kBound);
  Ticks now{1'000'000};
  for (int window = 0; window < 20; ++window) fill(admission, now, 2, kBound * 10);
  EXPECT_EQ(admission.level(), 0);
}

TEST(Admission, WithoutABoundItServesEverything) {
  Admission admission(Milliseconds(0));
  Ticks now{1'000'000};
  for (int window = 0; window < 20; ++window) fill(admission, now, 10, kBound * 10);
  EXPECT_TRUE(admission.takes(Work::ordinary));
}

}  // namespace
}  // namespace latchkey::http
