// error: deleted (function|constructor)
#include <utility>

#include "base/secret.h"

using namespace latchkey;

#ifdef MUST_COMPILE
SecretKey copy(SecretKey& key) { return SecretKey(std::move(key)); }
#else
SecretKey copy(SecretKey& key) { return SecretKey(key); }
#endif
