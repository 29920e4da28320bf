// The vectors of spec/vectors, for tests.
//
// load_vectors("tokens.json") is the parsed file; a file that is missing or broken ends the test
// program. Helpers read one member of a case and end the program when it is not there, so that a
// misspelt name cannot make a test pass. Thread safety: pure functions. Only *_test.cc include
// this.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/source_dir_for_test.h"
#include "base/time_text.h"

namespace latchkey::core {

inline json::value load_vectors(std::string_view name) {
  std::ifstream file(source_dir_for_test() + "/spec/vectors/" + std::string(name));
  LK_ASSERT(file.good());
  std::stringstream text;
  text << file.rdbuf();
  auto document = parse_json(text.str());
  LK_ASSERT(document.has_value());
  return *std::move(document);
}

inline const json::value& member(const json::value& value, std::string_view name) {
  const json::value* found = value.as_object().if_contains(name);
  LK_ASSERT(found != nullptr);
  return *found;
}

// The cases of the array `name`. An empty array ends the program: it would test nothing.
inline const json::array& cases(const json::value& value, std::string_view name) {
  const json::array& array = member(value, name).as_array();
  LK_ASSERT(!array.empty());
  return array;
}

inline std::string as_text(const json::value& value) { return std::string(value.as_string()); }

inline std::string text_of(const json::value& value, std::string_view name) {
  return as_text(member(value, name));
}

inline int64_t number_of(const json::value& value, std::string_view name) {
  return member(value, name).as_int64();
}

inline Instant instant_of(const json::value& value, std::string_view name) {
  const auto instant = parse_date_time(text_of(value, name));
  LK_ASSERT(instant.has_value());
  return *instant;
}

inline Bytes bytes_of(const json::value& value, std::string_view name) {
  const auto bytes = parse_hex(text_of(value, name));
  LK_ASSERT(bytes.has_value());
  return *bytes;
}

}  // namespace latchkey::core
