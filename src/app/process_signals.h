// The signals by which an operator or a service manager steers a process that serves.
//
// They are blocked in every thread and waited for by one, so that no code runs inside a handler.
// SIGTERM and SIGINT stop, SIGHUP reloads; without one the wait ends now and then, to look at
// files. Thread safety: block_signals() before any other thread is made; the rest from one thread.
#pragma once

#include <signal.h>

namespace latchkey::app {

enum class Wake { time, reload, stop };

// The signals, blocked in this thread and in every one that is made after. SIGPIPE is ignored.
sigset_t block_signals();
// Waits for one of `signals`, or two seconds.
Wake wait_for_signal(const sigset_t& signals);
// From here on a signal to stop ends the process at once, as it does without us.
void let_signals_end_us(const sigset_t& signals);

}  // namespace latchkey::app
