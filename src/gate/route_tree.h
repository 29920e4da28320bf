// The templates of a route table as a tree that few cache lines are read of.
//
// Nodes and what stands at the ends of templates are words in one array, in the order of the
// templates, so that a branch lies side by side. All concrete children of all nodes are in one
// open-addressed table, under node and text without ASCII case; one probe is one cache line. Each
// text and each segment with parameters is stored once, however many templates have it. The hash is
// not keyed: only the operator's templates are inserted, and a request can only look. Thread
// safety: immutable after construction. Spec: docs/spec/openapi-routes.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gate/path.h"

namespace latchkey::gate {

class RouteTreeBuilder;

class RouteTree {
 public:
  // What stands at the end of a template for one method.
  struct Entry {
    std::string_view method;
    size_t operation;
    std::span<const uint32_t> parts;  // its segments, for fixed_text() or segment()
  };

  // The entries at one end, one a method; there is at least one.
  class Leaf {
   public:
    size_t size() const { return size_; }
    Entry operator[](size_t i) const;
    std::optional<Entry> find_exactly(std::string_view method) const;

   private:
    friend class RouteTree;
    Leaf(const RouteTree& tree, const uint32_t* words, size_t size, size_t parts)
        : tree_(&tree), words_(words), size_(size), parts_(parts) {}
    const RouteTree* tree_;
    const uint32_t* words_;  // each one's method, operation and parts
    size_t size_;
    size_t parts_;
  };

  // What `path` ends at: of templates that match, the one that is the most concrete at the first
  // place where they differ. Nothing if none does. REQUIRES: !path.is_too_long().
  // Cost: each node that `path` leads to is visited once at most.
  std::optional<Leaf> find(const PathSegments& path) const { return find(0, path, 0); }

  // Whether `part` is a text, or else a segment with parameters.
  static bool is_fixed(uint32_t part) { return (part & kWithParameters) == 0; }
  // The text as its template spells it. REQUIRES: is_fixed(part).
  std::string_view fixed_text(uint32_t part) const { return text(part); }
  // REQUIRES: !is_fixed(part).
  const TemplateSegment& segment(uint32_t part) const { return segments_[part & ~kWithParameters]; }

 private:
  friend class RouteTreeBuilder;
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr uint32_t kWithParameters = uint32_t{1} << 31;

  // A node's words. The entries of templates that end there follow.
  enum NodeWord : size_t {
    parameter,  // the child for any text
    mixed,      // the first of mixed_
    rest,       // of templates that end there with a rest: how many, then the entries
    ends,       // twice how many entries follow, and 1 more if there are concrete children
    kNodeWords
  };
  struct Mixed {
    uint32_t segment;
    uint32_t node;
    bool is_last;  // of its node
  };
  struct alignas(16) Slot {
    uint32_t tag = 0;  // of the hash
    uint32_t parent = 0;
    uint32_t text = 0;
    uint32_t child = kNone;  // none: the slot is free
  };

  RouteTree() = default;
  std::optional<Leaf> find(uint32_t node, const PathSegments& path, size_t depth) const;
  uint32_t concrete_child(uint32_t parent, std::string_view segment) const;
  std::string_view text(uint32_t place) const;

  std::vector<Mixed> mixed_;     // a node's side by side, the most literal text first
  std::vector<Slot> slots_;      // a power of two, at most two thirds of them taken
  std::vector<uint32_t> words_;  // the root first; nodes are named by their places
  std::vector<TemplateSegment> segments_;
  std::string texts_;  // each after its length
};

}  // namespace latchkey::gate
