// error: no match for .operator-.|invalid operands to binary expression
#include "base/clock.h"

using namespace latchkey;

#ifdef MUST_COMPILE
Milliseconds age(Ticks a, Ticks b) { return a - b; }
#else
Milliseconds age(Instant a, Ticks b) { return a - b; }
#endif
