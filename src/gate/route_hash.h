// Where a node's concrete child is looked for: a hash of the node and of a text without ASCII case.
//
// It is not keyed: only the operator's templates are inserted. Thread safety: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text.h"

namespace latchkey::gate {

// FNV-1a, begun with the node and mixed at the end.
struct RouteHash {
  RouteHash(uint32_t node, std::string_view text) {
    uint64_t hash = 0xcbf29ce484222325ull ^ (node * 0x9e3779b97f4a7c15ull);
    for (const char c : text)
      hash = (hash ^ static_cast<uint8_t>(ascii_lower(c))) * 0x100000001b3ull;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ull;
    place = static_cast<size_t>(hash >> 24);
    tag = static_cast<uint32_t>(hash);
  }
  size_t place;  // its lower bits
  uint32_t tag;
};

}  // namespace latchkey::gate
