// How many connections may be open, given the file descriptors that this process may have?
//
// A soft limit of 1,024 is usual and far below limits.connections_max: without more, that many idle
// connections would keep everybody else out, and the database from its files. Thread safety: call
// once, before other threads run. Documented in docs/operating/faults.md.
#pragma once

#include <cstdint>

#include "base/log.h"

namespace latchkey::app {

// Raises the soft limit of descriptors as far as `connections_max` needs and the hard one allows.
// Returns how many connections there is room for, at most `connections_max`; warns when it is less.
uint32_t make_room_for_connections(uint32_t connections_max, Log& log);

}  // namespace latchkey::app
