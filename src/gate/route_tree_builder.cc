#include "gate/route_tree_builder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/text.h"
#include "gate/route_hash.h"

namespace latchkey::gate {
namespace {

uint32_t narrow(size_t number) {
  LK_ASSERT(number < uint32_t{1} << 31);  // two thousand million bytes of templates
  return static_cast<uint32_t>(number);
}

size_t literal_bytes(const TemplateSegment& segment) {
  size_t bytes = 0;
  for (const std::string& literal : segment.literals) bytes += literal.size();
  return bytes;
}

// The texts of `segment` that a request must have, without ASCII case.
std::vector<std::string> folded_texts(const TemplateSegment& segment) {
  std::vector<std::string> texts;
  if (segment.kind == SegmentKind::concrete) texts.push_back(ascii_lower(segment.text));
  for (const std::string& literal : segment.literals) texts.push_back(ascii_lower(literal));
  return texts;
}

}  // namespace

std::optional<size_t> RouteTreeBuilder::add(const std::vector<TemplateSegment>& segments,
                                            const std::string& method, size_t operation) {
  uint32_t node = 0;
  bool has_rest = false;
  Entry entry{text(method), narrow(operation), {}};
  for (const TemplateSegment& segment : segments) {
    has_rest = segment.kind == SegmentKind::rest;
    if (!has_rest) node = child(node, segment);
    entry.parts.push_back(part(segment));
  }
  std::vector<Entry>& entries = has_rest ? ends_[node].rest : ends_[node].leaf;
  for (const Entry& other : entries) {
    if (other.method == entry.method) return other.operation;
  }
  entries.push_back(std::move(entry));
  return std::nullopt;
}

RouteTree RouteTreeBuilder::build() {
  size_t concrete = 0;
  for (const auto& [key, child] : children_) {
    concrete += std::get<SegmentKind>(key) == SegmentKind::concrete;
  }
  tree_.slots_.resize(std::bit_ceil(concrete + concrete / 2 + 2));
  lay_out();
  for (const auto& [key, child] : children_) {
    const auto& [parent, kind, texts] = key;
    if (kind == SegmentKind::concrete) {
      link_concrete(places_[parent], texts.front(), places_[child]);
    } else if (kind == SegmentKind::parameter) {
      tree_.words_[places_[parent] + RouteTree::parameter] = places_[child];
    }
  }
  link_mixed();
  tree_.texts_.shrink_to_fit();
  tree_.words_.shrink_to_fit();
  return std::move(tree_);
}

uint32_t RouteTreeBuilder::child(uint32_t node, const TemplateSegment& segment) {
  const auto [place, is_new] =
      children_.try_emplace({node, segment.kind, folded_texts(segment)}, narrow(ends_.size()));
  if (!is_new) return place->second;
  ends_.emplace_back();
  if (segment.kind == SegmentKind::mixed) mixed_.emplace(place->second, segment);
  return place->second;
}

uint32_t RouteTreeBuilder::part(const TemplateSegment& segment) {
  if (segment.kind == SegmentKind::concrete) return text(segment.text);
  const auto [place, is_new] =
      segments_.try_emplace({segment.kind, segment.text, segment.literals, segment.names},
                            narrow(tree_.segments_.size()));
  if (is_new) tree_.segments_.push_back(segment);
  return place->second | RouteTree::kWithParameters;
}

uint32_t RouteTreeBuilder::text(std::string_view text) {
  const auto known = texts_.find(text);
  if (known != texts_.end()) return known->second;
  const uint32_t place = narrow(tree_.texts_.size()), size = narrow(text.size());
  char bytes[sizeof size];
  std::memcpy(bytes, &size, sizeof size);
  tree_.texts_.append(bytes, sizeof size).append(text);
  narrow(tree_.texts_.size());
  texts_.emplace(text, place);
  return place;
}

void RouteTreeBuilder::lay_out() {
  std::vector<uint32_t>& words = tree_.words_;
  for (const Ends& ends : ends_) {
    const size_t place = words.size();
    places_.push_back(narrow(place));
    words.resize(place + RouteTree::kNodeWords, RouteTree::kNone);
    words[place + RouteTree::ends] = narrow(2 * ends.leaf.size());
    append(ends.leaf);
    if (ends.rest.empty()) continue;
    words[place + RouteTree::rest] = narrow(words.size());
    words.push_back(narrow(ends.rest.size()));
    append(ends.rest);
  }
}

void RouteTreeBuilder::append(const std::vector<Entry>& entries) {
  std::vector<uint32_t>& words = tree_.words_;
  for (const Entry& entry : entries) {
    words.push_back(entry.method);
    words.push_back(entry.operation);
    words.insert(words.end(), entry.parts.begin(), entry.parts.end());
  }
}

void RouteTreeBuilder::link_concrete(uint32_t parent, const std::string& key, uint32_t child) {
  const RouteHash hash(parent, key);
  std::vector<RouteTree::Slot>& slots = tree_.slots_;
  const size_t mask = slots.size() - 1;
  size_t i = hash.place & mask;
  while (slots[i].child != RouteTree::kNone) i = (i + 1) & mask;
  slots[i] = {hash.tag, parent, text(key), child};
  tree_.words_[parent + RouteTree::ends] |= 1;
}

void RouteTreeBuilder::link_mixed() {
  struct Ordered {
    uint32_t parent;
    size_t bytes;
    std::string key;
    uint32_t child;
  };
  std::vector<Ordered> all;
  for (const auto& [key, child] : children_) {
    if (std::get<SegmentKind>(key) != SegmentKind::mixed) continue;
    const TemplateSegment& segment = mixed_.at(child);
    all.push_back(
        {std::get<uint32_t>(key), literal_bytes(segment), template_key({segment}), child});
  }
  std::sort(all.begin(), all.end(), [](const Ordered& a, const Ordered& b) {
    if (a.parent != b.parent) return a.parent < b.parent;
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.key < b.key;
  });
  for (size_t i = 0; i < all.size(); ++i) {
    const bool is_first = i == 0 || all[i - 1].parent != all[i].parent;
    const bool is_last = i + 1 == all.size() || all[i + 1].parent != all[i].parent;
    if (is_first) tree_.words_[places_[all[i].parent] + RouteTree::mixed] = narrow(i);
    const uint32_t segment = part(mixed_.at(all[i].child)) & ~RouteTree::kWithParameters;
    tree_.mixed_.push_back({segment, places_[all[i].child], is_last});
  }
}

}  // namespace latchkey::gate
