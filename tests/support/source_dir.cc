#include "base/source_dir_for_test.h"

namespace latchkey {

std::string source_dir_for_test() { return LATCHKEY_SOURCE_DIR; }

}  // namespace latchkey
