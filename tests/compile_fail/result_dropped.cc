// error: ignoring return(ed)? value
#include "base/result.h"

using namespace latchkey;

#ifdef MUST_COMPILE
Result<int> number();
bool keep() { return number().has_value(); }
#else
Result<int> number();
void drop() { number(); }
#endif
