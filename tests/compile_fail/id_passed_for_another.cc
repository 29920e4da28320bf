// error: could not convert|no viable conversion|no matching function
#include "core/ids.h"

using namespace latchkey::core;
using namespace latchkey;

#ifdef MUST_COMPILE
void revoke(TokenId);
void call(TokenId id) { revoke(id); }
#else
void revoke(TokenId);
void call(PersonId id) { revoke(id); }
#endif
