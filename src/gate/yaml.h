// Reads a YAML document into the JSON value that it stands for, within limits.
//
// The YAML 1.2 core schema, over libyaml: mappings with text as keys, sequences and scalars; plain
// scalars become null, booleans and numbers as that schema says. Aliases are copied, and each copy
// counts, so a small text cannot grow without bound; an alias inside what it names is unknown, so
// nothing is cyclic. A key that stands twice is refused, as in parse_json. Merge keys (`<<`) are
// read. Thread safety: pure functions. Spec: docs/spec/openapi-routes.md.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace latchkey::gate {

inline constexpr size_t kYamlDepthMax = 100;
inline constexpr size_t kYamlNodesMax = 1'000'000;             // copies of aliases included
inline constexpr size_t kYamlTextBytesMax = 64 * 1024 * 1024;  // of all scalars, copies included

// Errors: body_malformed (the message names the line). REQUIRES: the caller bounded text.size().
Result<json::value> parse_yaml(std::string_view text);

}  // namespace latchkey::gate
