// error: no match for .operator<.|invalid operands to binary expression
#include "base/clock.h"

using namespace latchkey;

#ifdef MUST_COMPILE
bool before(Instant a, Instant b) { return a < b; }
#else
bool before(Instant a, Ticks b) { return a < b; }
#endif
