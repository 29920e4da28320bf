#include "app/process_signals.h"

namespace latchkey::app {
namespace {

constexpr timespec kPollInterval{2, 0};

}  // namespace

sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

Wake wait_for_signal(const sigset_t& signals) {
  const int number = sigtimedwait(&signals, nullptr, &kPollInterval);
  if (number < 0) return Wake::time;  // nothing came, or a debugger woke us
  return number == SIGHUP ? Wake::reload : Wake::stop;
}

void let_signals_end_us(const sigset_t& signals) {
  sigset_t again = signals;
  sigdelset(&again, SIGHUP);
  pthread_sigmask(SIG_UNBLOCK, &again, nullptr);
}

}  // namespace latchkey::app
