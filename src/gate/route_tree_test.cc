#include "gate/route_tree.h"

#include <gtest/gtest.h>

#include "gate/route_tree_builder.h"

namespace latchkey::gate {
namespace {

std::string route(const char* area, const char* resource, size_t i, const std::string& id) {
  return "/x/" + (area + std::to_string(i / 60)) + "/" + resource + std::to_string(i % 60) + "/" +
         id;
}

// The same texts below many nodes, so that places of the table of children are taken by others.
TEST(RouteTree, TellsManyRoutesOfTheSameTextsApart) {
  RouteTreeBuilder builder;
  for (size_t i = 0; i < 3600; ++i) {
    if (i % 7 == 0) continue;
    ASSERT_FALSE(builder.add(*parse_template(route("Area", "r", i, "{id}")), "GET", i));
  }
  const RouteTree tree = builder.build();
  for (size_t i = 0; i < 3600; ++i) {
    const std::string path = route("area", "R", i, "7");
    PathSegments segments;
    ASSERT_TRUE(segments.parse(path));
    const auto leaf = tree.find(segments);
    ASSERT_EQ(leaf.has_value(), i % 7 != 0) << path;
    if (!leaf) continue;
    ASSERT_EQ(leaf->size(), 1u);
    const RouteTree::Entry entry = (*leaf)[0];
    ASSERT_EQ(entry.operation, i);
    ASSERT_EQ(entry.method, "GET");
    ASSERT_EQ(entry.parts.size(), 4u);
    ASSERT_EQ(tree.fixed_text(entry.parts[1]), "Area" + std::to_string(i / 60));
    ASSERT_FALSE(RouteTree::is_fixed(entry.parts[3]));
    ASSERT_EQ(tree.segment(entry.parts[3]).text, "id");
  }
}

TEST(RouteTree, WithoutTemplatesFindsNothing) {
  const RouteTree tree = RouteTreeBuilder().build();
  for (const std::string path : {"/", "/a", "/a/b"}) {
    PathSegments segments;
    ASSERT_TRUE(segments.parse(path));
    EXPECT_FALSE(tree.find(segments)) << path;
  }
}

}  // namespace
}  // namespace latchkey::gate
