// error: deleted (function|constructor)
#include "base/secret.h"

using namespace latchkey;

#ifdef MUST_COMPILE
SecretText copy(const SecretText& secret) { return secret.clone(); }
#else
SecretText copy(const SecretText& secret) { return secret; }
#endif
