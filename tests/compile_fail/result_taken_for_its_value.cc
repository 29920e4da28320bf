// error: cannot convert|no viable conversion
#include "base/result.h"

using namespace latchkey;

#ifdef MUST_COMPILE
Result<bool> allowed();
bool ask() { return allowed().has_value(); }
#else
Result<bool> allowed();
bool ask() { return allowed(); }
#endif
