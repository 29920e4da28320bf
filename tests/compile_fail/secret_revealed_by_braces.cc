// error: explicit constructor|uses explicit default|chosen constructor is explicit
#include "base/secret.h"

using namespace latchkey;

#ifdef MUST_COMPILE
size_t size(const SecretText& secret) { return secret.reveal(RevealSecret{}).size(); }
#else
size_t size(const SecretText& secret) { return secret.reveal({}).size(); }
#endif
