// error: use of deleted function|call to deleted function
#include <string>

#include "base/text.h"

std::string make();

#ifdef MUST_COMPILE
size_t use() {
  const std::string text = make();
  return latchkey::split(text, ' ').size();
}
#else
size_t use() { return latchkey::split(make(), ' ').size(); }
#endif
