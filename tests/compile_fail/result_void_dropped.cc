// error: ignoring return(ed)? value
#include "base/result.h"

using namespace latchkey;

#ifdef MUST_COMPILE
Result<void> change();
Result<void> pass() { LK_CHECK(change()); return {}; }
#else
Result<void> change();
void drop() { change(); }
#endif
