// Tells the service manager that started this process how far it is.
//
// The protocol is a datagram to the socket that NOTIFY_SOCKET names; without that variable, and
// when nobody reads there, nothing happens and nothing waits. Thread safety: any thread.
// https://www.freedesktop.org/software/systemd/man/252/sd_notify.html
#pragma once

#include <string_view>

namespace latchkey::app {

// `state` is lines of VARIABLE=VALUE, e.g. "READY=1".
void notify_service_manager(std::string_view state);

}  // namespace latchkey::app
