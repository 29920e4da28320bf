#include "gate/lesson.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace latchkey::gate {
namespace {

TEST(Lesson, SaysOperationScopesAndWhereToGo) {
  const std::vector<std::string> alternatives = {"vso.code", "vso.build vso.work"};
  const Lesson lesson{"GET /orders", &alternatives, "https://t/a/_usersSettings/tokens?new=1"};
  EXPECT_EQ(lesson_message(lesson),
            "Access Denied: The Personal Access Token used lacks a scope that opens this operation "
            "(GET /orders) under its owner's role. Any one of these would do: vso.code, vso.build "
            "with vso.work, or full access (app_token). Make such a token here: "
            "https://t/a/_usersSettings/tokens?new=1");
  EXPECT_EQ(lesson_fields(lesson),
            ",\"operation\":\"GET /orders\",\"scopes\":[\"vso.code\",\"vso.build vso.work\"],"
            "\"tokenUrl\":\"https://t/a/_usersSettings/tokens?new=1\"");
  EXPECT_EQ(lesson_scope(lesson), "vso.code vso.build vso.work");
}

TEST(Lesson, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(lesson_message({}),
            "Access Denied: The Personal Access Token used lacks a scope that opens this operation "
            "under its owner's role.");
  EXPECT_EQ(lesson_fields({}), "");
  EXPECT_EQ(lesson_scope({}), "");
}

TEST(Lesson, QuotesNames) {
  const std::vector<std::string> none;
  EXPECT_EQ(lesson_fields({"a\"b\n", &none, ""}), ",\"operation\":\"a\\\"b\\n\",\"scopes\":[]");
}

// The message stands in a header too.
TEST(Lesson, NamesEightAlternativesInWordsAndAllInItsFields) {
  const std::vector<std::string> many(20, "vso.code");
  const Lesson lesson{"x", &many, ""};
  EXPECT_NE(lesson_message(lesson).find("vso.code, 12 more, or full access"), std::string::npos);
  EXPECT_LT(lesson_message(lesson).size(), 400u);
  EXPECT_EQ(parse_json("{\"a\":1" + lesson_fields(lesson) + "}")
                ->as_object()
                .at("scopes")
                .as_array()
                .size(),
            20u);
}

TEST(Lesson, NamesEachScopeOnce) {
  const std::vector<std::string> alternatives = {"vso.code vso.work", "vso.work", "app_token"};
  EXPECT_EQ(lesson_scope({"", &alternatives, ""}), "vso.code vso.work app_token");
  EXPECT_NE(lesson_message({"", &alternatives, ""}).find("vso.work, or full access"),
            std::string::npos);
}

TEST(NameAlternatives, AreBoundedAndInCatalogOrder) {
  const auto catalog = core::ScopeCatalog::built_in();
  core::ScopeSet both;
  both.add(catalog.find("vso.work")->number);
  both.add(catalog.find("vso.code")->number);
  EXPECT_EQ(name_alternatives(catalog, verify::ScopeRequirement({both, {}})),
            std::vector<std::string>{"vso.code vso.work"});
  EXPECT_EQ(
      name_alternatives(catalog, verify::ScopeRequirement(std::vector<core::ScopeSet>(1000, both)))
          .size(),
      64u);
}

}  // namespace
}  // namespace latchkey::gate
