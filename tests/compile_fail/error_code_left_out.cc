// error: enumeration value
#include "base/error.h"

using namespace latchkey;

#ifdef MUST_COMPILE
bool is_internal(ErrorCode code) { return code == ErrorCode::internal; }
#else
bool is_internal(ErrorCode code) {
  switch (code) {
    case ErrorCode::internal: return true;
  }
  return false;
}
#endif
