// Where the sources of this build are, for tests that read vectors or start scripts.
//
// One file of each program says it, so that all others are the same in every folder.
// Thread safety: pure functions.
#pragma once

#include <string>

namespace latchkey {

// The absolute path of the project's folder, without a slash at its end.
std::string source_dir_for_test();

}  // namespace latchkey
