#include "gate/route_tree.h"

#include <cstring>

#include "base/text.h"
#include "gate/route_hash.h"

namespace latchkey::gate {

RouteTree::Entry RouteTree::Leaf::operator[](size_t i) const {
  const uint32_t* const words = words_ + i * (2 + parts_);
  return {tree_->text(words[0]), words[1], {words + 2, parts_}};
}

std::optional<RouteTree::Entry> RouteTree::Leaf::find_exactly(std::string_view method) const {
  for (size_t i = 0; i < size(); ++i) {
    const Entry entry = (*this)[i];
    if (entry.method == method) return entry;
  }
  return std::nullopt;
}

std::string_view RouteTree::text(uint32_t place) const {
  uint32_t size = 0;
  std::memcpy(&size, &texts_[place], sizeof size);
  return {&texts_[place] + sizeof size, size};
}

uint32_t RouteTree::concrete_child(uint32_t parent, std::string_view segment) const {
  const RouteHash hash(parent, segment);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash.place & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.child == kNone) return kNone;
    if (slot.tag != hash.tag || slot.parent != parent) continue;
    if (ascii_equal_ignoring_case(text(slot.text), segment)) return slot.child;
  }
}

// The most concrete first; what is less is tried when nothing below the other matches.
std::optional<RouteTree::Leaf> RouteTree::find(uint32_t place, const PathSegments& path,
                                               size_t depth) const {
  const uint32_t* const node = &words_[place];
  if (depth == path.size()) {
    if (node[ends] >> 1 == 0) return std::nullopt;
    return Leaf(*this, node + kNodeWords, node[ends] >> 1, depth);
  }
  if ((node[ends] & 1) != 0) {
    const uint32_t child = concrete_child(place, path[depth]);
    if (child != kNone) {
      if (const auto leaf = find(child, path, depth + 1)) return leaf;
    }
  }
  if (node[mixed] != kNone) {
    for (const Mixed* next = &mixed_[node[mixed]];; ++next) {
      if (segments_[next->segment].match_mixed(path[depth])) {
        if (const auto leaf = find(next->node, path, depth + 1)) return leaf;
      }
      if (next->is_last) break;
    }
  }
  if (node[parameter] != kNone) {
    if (const auto leaf = find(node[parameter], path, depth + 1)) return leaf;
  }
  if (node[rest] == kNone) return std::nullopt;
  const uint32_t* const rests = &words_[node[rest]];
  return Leaf(*this, rests + 1, rests[0], depth + 1);
}

}  // namespace latchkey::gate
