// error: no match for .operator<<.|invalid operands to binary expression
#include <iostream>

#include "base/secret.h"

using namespace latchkey;

#ifdef MUST_COMPILE
void print(const SecretText& secret) { std::cout << secret.size(); }
#else
void print(const SecretText& secret) { std::cout << secret; }
#endif
