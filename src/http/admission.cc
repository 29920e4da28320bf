#include "http/admission.h"

#include <algorithm>

namespace latchkey::http {
namespace {

constexpr Milliseconds kWindow{100};
constexpr int kNotedMin = 3;  // fewer say nothing
constexpr int kLevelMax = 3;

}  // namespace

void Admission::note(Milliseconds waited, Ticks now) {
  if (bound_ <= Milliseconds(0)) return;
  if (now - window_began_ >= kWindow) {
    end_window();
    // Whoever had nothing to do for a while has caught up.
    if (now - window_began_ >= 10 * kWindow) level_.store(0, std::memory_order_relaxed);
    window_began_ = now;
    noted_ = 0;
  }
  least_ = noted_ == 0 ? waited : std::min(least_, waited);
  ++noted_;
}

void Admission::end_window() {
  if (noted_ < kNotedMin) return;
  waited_ms_.store(least_.count(), std::memory_order_relaxed);
  if (least_ > bound_) {
    level_.store(std::min(level() + 1, kLevelMax), std::memory_order_relaxed);
  } else if (least_ < bound_ / 2) {
    level_.store(std::max(level() - 1, 0), std::memory_order_relaxed);
  }
}

bool Admission::takes(Work work) {
  switch (work) {
    case Work::ordinary: return level() < 1;
    case Work::essential: break;
  }
  if (level() < kLevelMax) return true;
  every_second_ = !every_second_;
  return every_second_;
}

}  // namespace latchkey::http
