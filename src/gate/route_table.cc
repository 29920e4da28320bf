#include "gate/route_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "gate/route_tree.h"
#include "gate/route_tree_builder.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kAnyMethod = "*";
constexpr std::string_view kAllMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

std::optional<RouteTree::Entry> find_entry(const RouteTree::Leaf& leaf, std::string_view method) {
  auto entry = leaf.find_exactly(method);
  if (!entry && method == "HEAD") entry = leaf.find_exactly("GET");
  // No server does a sensible thing with these two, so a star does not mean them.
  if (!entry && method != "TRACE" && method != "CONNECT") entry = leaf.find_exactly(kAnyMethod);
  return entry;
}

// "GET, HEAD, POST", in the order of the alphabet.
std::string allowed_methods(const RouteTree::Leaf& leaf) {
  if (leaf.find_exactly(kAnyMethod)) return std::string(kAllMethods);
  std::vector<std::string_view> methods;
  for (size_t i = 0; i < leaf.size(); ++i) methods.push_back(leaf[i].method);
  if (leaf.find_exactly("GET") && !leaf.find_exactly("HEAD")) methods.push_back("HEAD");
  std::sort(methods.begin(), methods.end());
  std::string list;
  for (const std::string_view method : methods) {
    if (!list.empty()) list += ", ";
    list += method;
  }
  return list;
}

void add_parameters(const TemplateSegment& segment, const PathSegments& path, size_t depth,
                    std::vector<PathParameter>& parameters) {
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

}  // namespace

const std::string& RouteMatch::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const PathParameter& p) { return p.name == name; });
  LK_ASSERT(found != parameters.end());
  return found->value;
}

RouteTable::RouteTable(RouteTree tree) : tree_(std::make_unique<RouteTree>(std::move(tree))) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

Result<RouteTable> RouteTable::build(const std::vector<Operation>& operations) {
  RouteTreeBuilder builder;
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    const auto segments = parse_template(operation.path);
    if (!segments) {
      return Error(ErrorCode::configuration, "The path " + segments.error().message + ".",
                   operation.path);
    }
    if (const auto other = builder.add(*segments, operation.method, i)) {
      return Error(ErrorCode::configuration,
                   "No request can tell it from " + operations[*other].path + ".",
                   operation.method + " " + operation.path);
    }
  }
  return RouteTable(builder.build());
}

Result<RouteMatch> RouteTable::match(std::string_view method, std::string_view path,
                                     EncodedSlash encoded_slash) const {
  PathSegments segments;
  LK_CHECK(segments.parse(path, encoded_slash));
  if (segments.is_too_long()) return Error(ErrorCode::route_unknown);
  const auto leaf = tree_->find(segments);
  if (!leaf) return Error(ErrorCode::route_unknown);
  const auto entry = find_entry(*leaf, method);
  if (!entry) {
    return Error(ErrorCode::method_not_allowed, "", "", allowed_methods(*leaf));
  }
  RouteMatch match;
  match.operation = entry->operation;
  for (size_t depth = 0; depth < entry->parts.size(); ++depth) {
    const uint32_t part = entry->parts[depth];
    if (RouteTree::is_fixed(part)) {
      match.is_spelled_alike &= segments[depth] == tree_->fixed_text(part);
      continue;
    }
    const TemplateSegment& segment = tree_->segment(part);
    add_parameters(segment, segments, depth, match.parameters);
    if (segment.kind == SegmentKind::mixed) {
      match.is_spelled_alike &= segment.is_spelled_alike(segments[depth]);
    }
  }
  return match;
}

}  // namespace latchkey::gate
