// error: no match for .operator==.|invalid operands to binary expression
#include "core/ids.h"

using namespace latchkey::core;
using namespace latchkey;

#ifdef MUST_COMPILE
bool same(TokenId a, TokenId b) { return a == b; }
#else
bool same(OrganizationId a, TokenId b) { return a == b; }
#endif
