#include "gate/route_table.h"

#include <algorithm>
#include <unordered_map>

#include "base/assert.h"
#include "base/text.h"
#include "gate/path.h"

namespace latchkey::gate {
namespace {

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
    std::vector<std::pair<size_t, std::string>> parameters;  // place among the segments, name
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
    return !entry && method == "HEAD" ? find_exactly("GET") : entry;
  }
  // "GET, HEAD, POST", in the order of the alphabet.
  std::string allowed_methods() const {
    std::vector<std::string_view> methods;
    for (const Entry& entry : entries) methods.push_back(entry.method);
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
  std::unordered_map<std::string, std::unique_ptr<Node>, SegmentHash, SegmentEqual> concrete;
  std::unique_ptr<Node> templated;
  Leaf leaf;
};

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
    Leaf::Entry entry{operation.method, i, {}};
    for (size_t depth = 0; depth < segments->size(); ++depth) {
      const TemplateSegment& segment = (*segments)[depth];
      auto& child = segment.is_parameter ? node->templated : node->concrete[segment.text];
      if (!child) child = std::make_unique<Node>();
      node = child.get();
      if (segment.is_parameter) entry.parameters.emplace_back(depth, segment.text);
    }
    if (const Leaf::Entry* other = node->leaf.find_exactly(operation.method)) {
      return Error(ErrorCode::configuration,
                   "No request can tell it from " + operations[other->operation].path + ".",
                   operation.method + " " + operation.path);
    }
    node->leaf.entries.push_back(std::move(entry));
  }
  return table;
}

// Concrete first; the templated child is tried when nothing below the concrete one matches.
const RouteTable::Leaf* RouteTable::find(const Node& node, const PathSegments& path, size_t depth) {
  if (depth == path.size()) return node.leaf.entries.empty() ? nullptr : &node.leaf;
  if (const auto child = node.concrete.find(path[depth]); child != node.concrete.end()) {
    if (const Leaf* leaf = find(*child->second, path, depth + 1)) return leaf;
  }
  return node.templated ? find(*node.templated, path, depth + 1) : nullptr;
}

Result<RouteMatch> RouteTable::match(std::string_view method, std::string_view path) const {
  PathSegments segments;
  LK_CHECK(segments.parse(path));
  const Leaf* leaf = segments.is_too_long() ? nullptr : find(*root_, segments, 0);
  if (!leaf) return Error(ErrorCode::route_unknown);
  const Leaf::Entry* entry = leaf->find(method);
  if (!entry) {
    return Error(ErrorCode::method_not_allowed, "", "", leaf->allowed_methods());
  }
  RouteMatch match;
  match.operation = entry->operation;
  match.parameters.reserve(entry->parameters.size());
  for (const auto& [place, name] : entry->parameters) {
    match.parameters.push_back({name, std::string(segments[place])});
  }
  return match;
}

}  // namespace latchkey::gate
