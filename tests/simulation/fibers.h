// Cooperative threads in one thread, on a clock that only the scheduler moves.
//
// A fiber runs until it sleeps or waits; then the one that is due next runs, and of several that
// are due at once a random one: so a seed gives the same run each time. Fibers belong to an owner
// (a process of the simulated world), which can be paused, as by SIGSTOP, and killed: each of its
// fibers is then unwound where it waits. Thread safety: one thread.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace latchkey::simulation {

// Microseconds of the simulated world since its begin.
using Micros = int64_t;
constexpr Micros ms(int64_t count) { return count * 1000; }

// Unwinds a fiber whose owner was killed.
struct Killed {};

class Fibers;

// What fibers wait for. REQUIRES: outlives who waits.
class Signal {
 public:
  void notify() {
    for (const auto& wake : waiting_) wake.second();
    waiting_.clear();
  }

 private:
  friend class Fibers;
  std::map<const void*, std::function<void()>> waiting_;
};

class Fibers {
 public:
  explicit Fibers(uint64_t seed) : random_(seed) {}
  ~Fibers() { kill_all(); }
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  Micros now() const { return now_; }
  // From `least` to `most`, both included.
  int64_t random(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(most - least + 1));
  }
  bool one_in(int64_t count) { return random(1, count) == 1; }

  void spawn(int owner, std::function<void()> body);
  // Within a fiber. Throw Killed.
  void sleep(Micros time);
  void sleep(Micros least, Micros most) { sleep(random(least, most)); }
  // Until notified or `timeout` is over; whether it was notified.
  bool wait(Signal& signal, Micros timeout);

  void pause(int owner, Micros time) { paused_until_[owner] = now_ + time; }
  bool is_paused(int owner) const {
    const auto found = paused_until_.find(owner);
    return found != paused_until_.end() && found->second > now_;
  }
  // Unwinds the owner's fibers at once. REQUIRES: not called by one of them.
  void kill(int owner);
  void kill_all();

  // Runs what is due until `end`.
  void run(Micros end);
  uint64_t switches() const { return switches_; }

 private:
  static constexpr size_t kStackBytes = 256 * 1024;
  struct Fiber {
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
    std::function<void()> body;
    int owner = 0;
    Micros due = 0;
    bool killed = false;
    bool done = false;
    void* fake_stack = nullptr;  // of the address sanitizer
  };

  static void enter(unsigned high, unsigned low);
  void resume(Fiber& fiber);
  void yield();
  void drop_done();

  std::mt19937_64 random_;
  Micros now_ = 0;
  uint64_t switches_ = 0;
  std::map<int, Micros> paused_until_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<std::unique_ptr<char[]>> spare_stacks_;
  Fiber* current_ = nullptr;
  ucontext_t main_{};
  void* main_fake_stack_ = nullptr;
  const void* main_stack_ = nullptr;
  size_t main_stack_bytes_ = 0;
};

}  // namespace latchkey::simulation
