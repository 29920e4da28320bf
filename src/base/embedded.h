// Files that are compiled into the program.
//
// The build's latchkey_embed(target symbol file) (tools/embed.cmake) defines a function that views
// a file's bytes; LK_EMBEDDED declares it where it is used. The bytes live as long as the program.
// Thread safety: immutable.
#pragma once

#include <string_view>

// LK_EMBEDDED(scopes_json): declares latchkey::embedded::scopes_json(). At file scope only.
#define LK_EMBEDDED(symbol)      \
  namespace latchkey::embedded { \
  std::string_view symbol();     \
  }                              \
  static_assert(true)
