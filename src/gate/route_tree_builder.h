// Makes the tree of a route table from its templates.
//
// Templates are added one by one, and what no request can tell apart is found then; the tree's
// layout is made at the end. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gate/path.h"
#include "gate/route_tree.h"

namespace latchkey::gate {

class RouteTreeBuilder {
 public:
  RouteTreeBuilder() : ends_(1) {}

  // Adds a template with its method. The operation that is there already if no request could tell
  // the two apart; then nothing changes that find() would see.
  std::optional<size_t> add(const std::vector<TemplateSegment>& segments, const std::string& method,
                            size_t operation);

  // REQUIRES: called once, at the end.
  RouteTree build();

 private:
  struct Entry {
    uint32_t method;
    uint32_t operation;
    std::vector<uint32_t> parts;
  };
  struct Ends {
    std::vector<Entry> leaf;
    std::vector<Entry> rest;
  };
  // A child: of which node, of which kind, and its texts without ASCII case.
  using ChildKey = std::tuple<uint32_t, SegmentKind, std::vector<std::string>>;

  uint32_t child(uint32_t node, const TemplateSegment& segment);
  uint32_t part(const TemplateSegment& segment);
  uint32_t text(std::string_view text);
  void lay_out();
  void append(const std::vector<Entry>& entries);
  void link_concrete(uint32_t parent, const std::string& text, uint32_t child);
  void link_mixed();

  RouteTree tree_;
  std::vector<uint32_t> places_;               // of each node in the tree's words
  std::vector<Ends> ends_;                     // of each node
  std::map<ChildKey, uint32_t> children_;      // all but rests
  std::map<uint32_t, TemplateSegment> mixed_;  // by the node that it leads to
  std::map<std::string, uint32_t, std::less<>> texts_;
  std::map<std::tuple<SegmentKind, std::string, std::vector<std::string>, std::vector<std::string>>,
           uint32_t>
      segments_;
};

}  // namespace latchkey::gate
