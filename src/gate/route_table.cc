#include "gate/route_table.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kAnyMethod = "*";
constexpr std::string_view kAllMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

// Segments as keys without ASCII case. FNV-1a; the keys are an operator's, not an attacker's.
struct SegmentHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : text)
      hash = (hash ^ static_cast<uint8_t>(ascii_lower(c))) * 0x100000001b3ull;
    return hash;
  }
};

struct SegmentEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return ascii_equal_ignoring_case(a, b);
  }
};

}  // namespace

// What stands at the end of a template: one entry a method.
struct RouteTable::Leaf {
  struct Entry {
    std::string method;
    size_t operation = 0;
    // The segments with parameters and where they stand: a match reads no others again.
    std::vector<std::pair<size_t, TemplateSegment>> named;
    std::vector<std::pair<size_t, std::string>> fixed;  // the others, as the template spells them
  };
  std::vector<Entry> entries;

  const Entry* find_exactly(std::string_view method) const {
    for (const Entry& entry : entries) {
      if (entry.method == method) return &entry;
    }
    return nullptr;
  }
  const Entry* find(std::string_view method) const {
    const Entry* entry = find_exactly(method);
    if (!entry && method == "HEAD") entry = find_exactly("GET");
    // No server does a sensible thing with these two, so a star does not mean them.
    if (!entry && method != "TRACE" && method != "CONNECT") entry = find_exactly(kAnyMethod);
    return entry;
  }
  // "GET, HEAD, POST", in the order of the alphabet.
  std::string allowed_methods() const {
    std::vector<std::string_view> methods;
    for (const Entry& entry : entries) {
      if (entry.method == kAnyMethod) return std::string(kAllMethods);
      methods.push_back(entry.method);
    }
    if (find_exactly("GET") && !find_exactly("HEAD")) methods.push_back("HEAD");
    std::sort(methods.begin(), methods.end());
    std::string list;
    for (const std::string_view method : methods) {
      if (!list.empty()) list += ", ";
      list += method;
    }
    return list;
  }
};

struct RouteTable::Node {
  struct Mixed {
    TemplateSegment segment;
    std::string key;
    std::unique_ptr<Node> node;
  };
  std::unordered_map<std::string, std::unique_ptr<Node>, SegmentHash, SegmentEqual> concrete;
  std::vector<Mixed> mixed;  // the most literal text first
  std::unique_ptr<Node> templated;
  Leaf leaf;
  Leaf rest;  // of templates that end here with a rest

  // The child for `segment`, made if it is not there. REQUIRES: it is no rest.
  Node& child(const TemplateSegment& segment);
};

namespace {

size_t literal_bytes(const TemplateSegment& segment) {
  size_t bytes = 0;
  for (const std::string& literal : segment.literals) bytes += literal.size();
  return bytes;
}

}  // namespace

RouteTable::Node& RouteTable::Node::child(const TemplateSegment& segment) {
  const auto made = [](std::unique_ptr<Node>& node) -> Node& {
    if (!node) node = std::make_unique<Node>();
    return *node;
  };
  if (segment.kind == SegmentKind::concrete) return made(concrete[segment.text]);
  if (segment.kind == SegmentKind::parameter) return made(templated);
  LK_ASSERT(segment.kind == SegmentKind::mixed);
  Mixed fresh{segment, template_key({segment}), nullptr};
  const auto comes_before = [](const Mixed& a, const Mixed& b) {
    const size_t bytes_a = literal_bytes(a.segment), bytes_b = literal_bytes(b.segment);
    return bytes_a != bytes_b ? bytes_a > bytes_b : a.key < b.key;
  };
  auto place = std::lower_bound(mixed.begin(), mixed.end(), fresh, comes_before);
  if (place == mixed.end() || place->key != fresh.key) {
    place = mixed.insert(place, std::move(fresh));
  }
  return made(place->node);
}

const std::string& RouteMatch::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const PathParameter& p) { return p.name == name; });
  LK_ASSERT(found != parameters.end());
  return found->value;
}

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

Result<RouteTable> RouteTable::build(const std::vector<Operation>& operations) {
  RouteTable table;
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    auto segments = parse_template(operation.path);
    if (!segments) {
      return Error(ErrorCode::configuration, "The path " + segments.error().message + ".",
                   operation.path);
    }
    Node* node = table.root_.get();
    Leaf::Entry entry{operation.method, i, {}, {}};
    bool has_rest = false;
    for (size_t depth = 0; depth < segments->size(); ++depth) {
      TemplateSegment& segment = (*segments)[depth];
      has_rest = segment.kind == SegmentKind::rest;
      if (!has_rest) node = &node->child(segment);
      if (segment.kind == SegmentKind::concrete) {
        entry.fixed.emplace_back(depth, std::move(segment.text));
      } else {
        entry.named.emplace_back(depth, std::move(segment));
      }
    }
    Leaf& leaf = has_rest ? node->rest : node->leaf;
    if (const Leaf::Entry* other = leaf.find_exactly(operation.method)) {
      return Error(ErrorCode::configuration,
                   "No request can tell it from " + operations[other->operation].path + ".",
                   operation.method + " " + operation.path);
    }
    leaf.entries.push_back(std::move(entry));
  }
  return table;
}

// The most concrete first; what is less is tried when nothing below the other matches. Each node is
// visited at most once.
const RouteTable::Leaf* RouteTable::find(const Node& node, const PathSegments& path, size_t depth) {
  if (depth == path.size()) return node.leaf.entries.empty() ? nullptr : &node.leaf;
  if (const auto child = node.concrete.find(path[depth]); child != node.concrete.end()) {
    if (const Leaf* leaf = find(*child->second, path, depth + 1)) return leaf;
  }
  for (const Node::Mixed& mixed : node.mixed) {
    if (!mixed.segment.match_mixed(path[depth])) continue;
    if (const Leaf* leaf = find(*mixed.node, path, depth + 1)) return leaf;
  }
  if (node.templated) {
    if (const Leaf* leaf = find(*node.templated, path, depth + 1)) return leaf;
  }
  return node.rest.entries.empty() ? nullptr : &node.rest;
}

void RouteTable::add_parameters(const TemplateSegment& segment, const PathSegments& path,
                                size_t depth, std::vector<PathParameter>& parameters) {
  switch (segment.kind) {
    case SegmentKind::concrete: return;
    case SegmentKind::parameter:
      parameters.push_back({segment.text, std::string(path[depth])});
      return;
    case SegmentKind::mixed: {
      const auto values = segment.match_mixed(path[depth]);
      LK_ASSERT(values && values->size() == segment.names.size());
      for (size_t i = 0; i < values->size(); ++i) {
        parameters.push_back({segment.names[i], std::string((*values)[i])});
      }
      return;
    }
    case SegmentKind::rest: {
      std::string rest;
      for (size_t i = depth; i < path.size(); ++i) {
        if (i != depth) rest += '/';
        rest += path[i];
      }
      parameters.push_back({segment.text, std::move(rest)});
      return;
    }
  }
}

Result<RouteMatch> RouteTable::match(std::string_view method, std::string_view path,
                                     EncodedSlash encoded_slash) const {
  PathSegments segments;
  LK_CHECK(segments.parse(path, encoded_slash));
  const Leaf* leaf = segments.is_too_long() ? nullptr : find(*root_, segments, 0);
  if (!leaf) return Error(ErrorCode::route_unknown);
  const Leaf::Entry* entry = leaf->find(method);
  if (!entry) {
    return Error(ErrorCode::method_not_allowed, "", "", leaf->allowed_methods());
  }
  RouteMatch match;
  match.operation = entry->operation;
  for (const auto& [depth, segment] : entry->named) {
    add_parameters(segment, segments, depth, match.parameters);
    match.is_spelled_alike &= segment.is_spelled_alike(segments[depth]);
  }
  for (const auto& [depth, text] : entry->fixed) match.is_spelled_alike &= segments[depth] == text;
  return match;
}

}  // namespace latchkey::gate
