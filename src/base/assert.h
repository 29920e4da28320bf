// What must always hold, checked in release too.
//
// LK_ASSERT is for our own bugs, never for what comes from outside: a broken invariant stops the
// process with file and line before it can do harm. It evaluates its argument exactly once and its
// message holds the source text of the condition only, so no value (and no secret) is printed.
#pragma once

namespace latchkey {

// Prints `condition`, `file` and `line` to stderr and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace latchkey

#define LK_ASSERT(condition)             \
  (static_cast<bool>(condition) ? void() \
                                : ::latchkey::assertion_failed(#condition, __FILE__, __LINE__))
