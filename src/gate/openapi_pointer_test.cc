#include "gate/openapi_pointer.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

TEST(FollowReference, FindsObjectsWithinTheDocument) {
  const json::value document = *parse_json(R"({"a/b":{"c~d":{"x":1},"n":2},
    "one":{"$ref":"#/two"},"two":{"$ref":"#/a~1b/c~0d"},"escaped":{"$ref":"#/a~1b/c%7E0d"},
    "circle":{"$ref":"#/circle"},"text":{"$ref":"#/a~1b/n"},"out":{"$ref":"other.json#/a"},
    "broken":{"$ref":"#/a~2b"},"number":{"$ref":1}})");
  const json::object& root = document.get_object();
  const auto follow = [&](const char* name) {
    return follow_reference(root, *find_object(root, name));
  };
  const json::object* expected = find_object(*find_object(root, "a/b"), "c~d");
  EXPECT_EQ(*follow("one"), expected);
  EXPECT_EQ(*follow("escaped"), expected);
  EXPECT_EQ(*follow("a/b"), find_object(root, "a/b"));
  for (const char* name : {"text", "out", "broken", "number"}) {
    const auto found = follow(name);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, nullptr) << name;
  }
  ASSERT_FALSE(follow("circle"));
  EXPECT_EQ(follow("circle").error().code, ErrorCode::configuration);
}

}  // namespace
}  // namespace latchkey::gate
