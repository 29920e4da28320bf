// What every fuzz target shares: its entry, and ways to cut an input into parts.
//
// A target is one .cc that defines LLVMFuzzerTestOneInput and states its promise with LK_ASSERT.
// libFuzzer calls it with made inputs; replay.cc calls it with those of the kept corpus.
// fuzz/README.md. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace latchkey::fuzz {

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes the first byte off `rest`; 0 when there is none.
inline uint8_t take_byte(std::string_view& rest) {
  if (rest.empty()) return 0;
  const auto byte = static_cast<uint8_t>(rest.front());
  rest.remove_prefix(1);
  return byte;
}

// Takes the first line off `rest`, and returns it without its LF.
inline std::string_view take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

}  // namespace latchkey::fuzz
