#include <algorithm>
#include <thread>

#include "http/upstream.h"

namespace latchkey::http {
namespace {

constexpr Milliseconds kIntervalMin{100};
constexpr Milliseconds kNamesInterval{30'000};  // where no health is checked

}  // namespace

struct UpstreamKeeper::State {
  struct Kept {
    Upstream* upstream;
    Ticks due;
  };
  std::vector<Kept> kept;
  const Clock& clock;
  Log& log;
  Mutex mutex;
  ConditionVariable changed;
  bool ending LK_GUARDED_BY(mutex) = false;
  std::jthread thread;

  State(const Clock& the_clock, Log& the_log) : clock(the_clock), log(the_log) {}

  static Milliseconds interval_of(const Upstream& upstream) {
    const UpstreamOptions& options = upstream.options();
    return options.health_path.empty() ? kNamesInterval
                                       : std::max(options.health_interval, kIntervalMin);
  }
  bool wait() {
    MutexLock lock(mutex);
    if (!ending) changed.wait_for(mutex, kIntervalMin);
    return !ending;
  }
  void run() {
    while (wait()) {
      for (Kept& one : kept) {
        const Ticks now = clock.ticks();
        if (now < one.due) continue;
        one.upstream->refresh(log);
        one.due = clock.ticks() + interval_of(*one.upstream);
      }
    }
  }
};

UpstreamKeeper::UpstreamKeeper(std::vector<Upstream*> upstreams, const Clock& clock, Log& log)
    : state_(std::make_unique<State>(clock, log)) {
  for (Upstream* upstream : upstreams) {
    // Health is looked at once at the start, names were resolved just now.
    const Ticks now = clock.ticks();
    const bool has_check = !upstream->options().health_path.empty();
    state_->kept.push_back({upstream, has_check ? now : now + kNamesInterval});
  }
  state_->thread = std::jthread([state = state_.get()] { state->run(); });
}

UpstreamKeeper::~UpstreamKeeper() {
  {
    MutexLock lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

}  // namespace latchkey::http
