// toml++, as our sources include it.
//
// Its headers are heavy, so only the .cc files that read a file include this one. It asserts of a
// table's name what its next lines check properly, and with NDEBUG promises it to the compiler; a
// mistake in a file is an error with a line, so neither is wanted. Thread safety: none is needed.
#pragma once

#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>
