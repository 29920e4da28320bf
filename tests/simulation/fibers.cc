#include "simulation/fibers.h"

#include <algorithm>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace latchkey::simulation {
namespace {

// The address sanitizer must know on which stack it is.
void begin_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                  [[maybe_unused]] size_t size_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(save, stack, size_bytes);
#endif
}
void end_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** stack,
                [[maybe_unused]] size_t* size_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(saved, stack, size_bytes);
#endif
}

}  // namespace

void Fibers::enter(unsigned high, unsigned low) {
  const uintptr_t address = static_cast<uintptr_t>(high) << 32 | low;
  auto& self = *reinterpret_cast<Fibers*>(address);
  end_switch(nullptr, &self.main_stack_, &self.main_stack_bytes_);
  Fiber& fiber = *self.current_;
  try {
    if (!fiber.killed) fiber.body();
  } catch (const Killed&) {
  }
  fiber.body = nullptr;
  fiber.done = true;
  begin_switch(nullptr, self.main_stack_, self.main_stack_bytes_);
  setcontext(&self.main_);
}

void Fibers::spawn(int owner, std::function<void()> body) {
  auto fiber = std::make_unique<Fiber>();
  if (spare_stacks_.empty()) {
    fiber->stack.reset(new char[kStackBytes]);  // not zeroed
  } else {
    fiber->stack = std::move(spare_stacks_.back());
    spare_stacks_.pop_back();
  }
  fiber->body = std::move(body);
  fiber->owner = owner;
  fiber->due = now_;
  LK_ASSERT(getcontext(&fiber->context) == 0);
  fiber->context.uc_stack.ss_sp = fiber->stack.get();
  fiber->context.uc_stack.ss_size = kStackBytes;
  fiber->context.uc_link = nullptr;
  const auto address = reinterpret_cast<uintptr_t>(this);
  makecontext(&fiber->context, reinterpret_cast<void (*)()>(&Fibers::enter), 2,
              static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
  fibers_.push_back(std::move(fiber));
}

void Fibers::resume(Fiber& fiber) {
  ++switches_;
  Fiber* const before = current_;
  LK_ASSERT(before == nullptr);
  current_ = &fiber;
  begin_switch(&main_fake_stack_, fiber.stack.get(), kStackBytes);
  swapcontext(&main_, &fiber.context);
  end_switch(main_fake_stack_, nullptr, nullptr);
  current_ = nullptr;
}

void Fibers::yield() {
  Fiber& fiber = *current_;
  begin_switch(&fiber.fake_stack, main_stack_, main_stack_bytes_);
  swapcontext(&fiber.context, &main_);
  end_switch(fiber.fake_stack, &main_stack_, &main_stack_bytes_);
  if (fiber.killed) throw Killed();
}

void Fibers::sleep(Micros time) {
  current_->due = now_ + time;
  yield();
}

bool Fibers::wait(Signal& signal, Micros timeout) {
  Fiber* const fiber = current_;
  bool notified = false;
  fiber->due = now_ + timeout;
  signal.waiting_[fiber] = [this, fiber, &notified] {
    notified = true;
    fiber->due = now_;
  };
  struct Forget {
    Signal& signal;
    Fiber* fiber;
    ~Forget() { signal.waiting_.erase(fiber); }
  } forget{signal, fiber};
  yield();
  return notified;
}

void Fibers::run(Micros end) {
  std::vector<Fiber*> due;
  while (true) {
    Micros next = end;
    due.clear();
    for (const auto& fiber : fibers_) {
      const auto paused = paused_until_.find(fiber->owner);
      const Micros at =
          paused == paused_until_.end() ? fiber->due : std::max(fiber->due, paused->second);
      const Micros time = std::max(at, now_);
      if (time > next || time >= end) continue;
      if (time < next) due.clear();
      next = time;
      due.push_back(fiber.get());
    }
    now_ = next;
    if (due.empty()) return;
    resume(*due[static_cast<size_t>(random(0, static_cast<int64_t>(due.size()) - 1))]);
    drop_done();
  }
}

void Fibers::drop_done() {
  for (size_t i = 0; i < fibers_.size();) {
    if (!fibers_[i]->done) {
      ++i;
      continue;
    }
    spare_stacks_.push_back(std::move(fibers_[i]->stack));
    fibers_.erase(fibers_.begin() + static_cast<ptrdiff_t>(i));
  }
}

// From within a fiber the rest is unwound when it is next due, which is at once.
void Fibers::kill(int owner) {
  paused_until_.erase(owner);
  for (const auto& fiber : fibers_) {
    if (fiber->owner != owner) continue;
    fiber->killed = true;
    fiber->due = now_;
  }
}

void Fibers::kill_all() {
  LK_ASSERT(current_ == nullptr);
  for (const auto& fiber : fibers_) fiber->killed = true;
  while (!fibers_.empty()) {
    resume(*fibers_.back());
    drop_done();
  }
}

}  // namespace latchkey::simulation
