#include "core/scope_catalog.h"

#include <gtest/gtest.h>

#include <set>

#include "base/embedded.h"
#include "base/text.h"
#include "core/role.h"
#include "core/vectors_for_test.h"

LK_EMBEDDED(scopes_json);
LK_EMBEDDED(scope_numbers_json);

namespace latchkey::core {
namespace {

const ScopeCatalog& catalog() {
  static const ScopeCatalog built_in = ScopeCatalog::built_in();
  return built_in;
}

json::value source() {
  auto rows = parse_json(embedded::scopes_json());
  LK_ASSERT(rows.has_value());
  return *std::move(rows);
}

// A row of a catalog for a test; `implies` is a JSON array.
std::string row(std::string_view scope, std::string_view implies) {
  return "{\"scope\":\"" + std::string(scope) +
         "\",\"category\":\"c\",\"access\":\"Read\",\"description\":\"d\",\"implies\":" +
         std::string(implies) + ",\"highPrivilege\":false,\"shown\":true,\"grantable\":true}";
}

std::string parse_error(std::string_view rows, std::string_view numbers) {
  const auto parsed = ScopeCatalog::parse(rows, numbers);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, ErrorCode::configuration);
  return parsed.error().message;
}

TEST(ScopeSetOf, CombinesAndCompares) {
  ScopeSet low, high;
  low.add(ScopeNumber{0});
  high.add(ScopeNumber{255});
  EXPECT_TRUE(ScopeSet().empty());
  EXPECT_FALSE(low.intersects(high));
  EXPECT_TRUE((low | high).contains_all(low));
  EXPECT_FALSE(low.contains_all(low | high));
  EXPECT_EQ((low | high) & high, high);
  EXPECT_TRUE(ScopeSet::all().contains_all(low | high));
  EXPECT_NE(std::hash<ScopeSet>()(low), std::hash<ScopeSet>()(high));
}

// scopes.json tells the transitive closure too; ours is computed from the direct one alone.
TEST(ScopeCatalogBuiltIn, ClosesAsTheSourceSays) {
  const json::value rows = source();
  ASSERT_EQ(catalog().scopes().size(), rows.as_array().size());
  for (const json::value& row_value : rows.as_array()) {
    const Scope* scope = catalog().find(text_of(row_value, "scope"));
    ASSERT_NE(scope, nullptr);
    ScopeSet expected;
    expected.add(scope->number);
    for (const json::value& implied : member(row_value, "impliesAll").as_array()) {
      if (implied.as_string() == "*")
        expected = ScopeSet::all();
      else
        expected.add(catalog().find(as_text(implied))->number);
    }
    EXPECT_EQ(scope->closure, expected) << scope->identifier;
  }
}

TEST(ScopeCatalogBuiltIn, KeepsOrderAndWords) {
  const json::value rows = source();
  for (size_t i = 0; i < catalog().scopes().size(); ++i) {
    const Scope& scope = catalog().scopes()[i];
    const json::value& row_value = rows.as_array()[i];
    EXPECT_EQ(scope.identifier, text_of(row_value, "scope"));
    EXPECT_EQ(scope.category, text_of(row_value, "category"));
    EXPECT_EQ(scope.level, text_of(row_value, "access"));
    EXPECT_EQ(scope.description, text_of(row_value, "description"));
    EXPECT_EQ(scope.high_privilege, member(row_value, "highPrivilege").as_bool());
    EXPECT_EQ(scope.shown, member(row_value, "shown").as_bool());
    EXPECT_EQ(scope.grantable, member(row_value, "grantable").as_bool());
  }
}

// Numbers are permanent: rows and indexes hold them. roles.json is the second copy of them.
TEST(ScopeCatalogBuiltIn, HasThePermanentNumbers) {
  const json::value document = load_vectors("roles.json");
  const json::array& rows = cases(document, "scopes");
  ASSERT_EQ(rows.size(), catalog().scopes().size());
  for (const json::value& vector : rows) {
    const Scope* scope = catalog().find(text_of(vector, "scope"));
    ASSERT_NE(scope, nullptr) << text_of(vector, "scope");
    EXPECT_EQ(scope->number.value, number_of(vector, "number"));
  }
}

TEST(ScopeCatalogBuiltIn, FullAccessHasABitThatNothingElseSets) {
  const ScopeNumber full = catalog().find(ScopeCatalog::kFullAccess)->number;
  EXPECT_EQ(full.value, 255);
  for (const Scope& scope : catalog().scopes()) {
    const bool is_full =
        scope.identifier == "app_token" || scope.identifier == "user_impersonation";
    EXPECT_EQ(scope.closure.contains(full), is_full) << scope.identifier;
  }
}

TEST(ScopeCatalogFind, IsNullForUnknown) {
  EXPECT_EQ(catalog().find("vso.nothing"), nullptr);
  EXPECT_EQ(catalog().find(""), nullptr);
  EXPECT_EQ(catalog().find("VSO.CODE"), nullptr);
}

TEST(ScopeCatalogParseRequested, AcceptsGoodVectors) {
  const json::value document = load_vectors("scopes.json");
  for (const json::value& vector : cases(document, "good")) {
    const auto requested = catalog().parse_requested(text_of(vector, "text"));
    ASSERT_TRUE(requested.has_value()) << text_of(vector, "text") << requested.error().message;
    EXPECT_EQ(requested->text, text_of(vector, "canonical"));
    EXPECT_EQ(requested->full_access, member(vector, "fullAccess").as_bool());
    const std::string closure = text_of(vector, "closure");
    if (closure == "*")
      EXPECT_EQ(requested->closure, ScopeSet::all());
    else
      EXPECT_EQ(catalog().format(requested->closure), closure);
    const auto again = catalog().closure_of(requested->text);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, requested->closure);
  }
}

TEST(ScopeCatalogParseRequested, RefusesBadVectorsByName) {
  const json::value document = load_vectors("scopes.json");
  for (const json::value& vector : cases(document, "bad")) {
    const auto requested = catalog().parse_requested(text_of(vector, "text"));
    ASSERT_FALSE(requested.has_value()) << text_of(vector, "text");
    EXPECT_EQ(requested.error().code, ErrorCode::pat_invalid_scope);
    EXPECT_EQ(requested.error().field, "scope");
    EXPECT_NE(requested.error().message.find(text_of(vector, "names")), std::string::npos)
        << text_of(vector, "text") << ": " << requested.error().message;
  }
}

TEST(ScopeCatalogClosureOf, RefusesWhatTheCatalogDoesNotHave) {
  for (const char* text : {"", "vso.nothing", "vso.code vso.nothing", "vso.code  vso.work"}) {
    const auto closure = catalog().closure_of(text);
    ASSERT_FALSE(closure.has_value()) << text;
    EXPECT_EQ(closure.error().code, ErrorCode::integrity_violated);
  }
}

TEST(ScopeCatalogParse, RefusesNumbersThatAreNotOneForEach) {
  const std::string rows = "[" + row("a", "[]") + "," + row("b", "[]") + "]";
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":1})"), "");
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":255})"), "");
  EXPECT_EQ(parse_error(rows, R"({"a":0})"), "b has no number");
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":0})"), "the number of b is another scope's too");
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":256})"), "the number of b is not one of 0 to 255");
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":-1})"), "the number of b is not one of 0 to 255");
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":"1"})"), "the number of b is not one of 0 to 255");
  EXPECT_EQ(parse_error(rows, R"({"a":0,"b":1,"c":2})"), "there is a number of an unknown scope");
  EXPECT_EQ(parse_error(rows, "[]"), "the numbers must be one JSON object");
  EXPECT_NE(parse_error(rows, "{"), "");
}

TEST(ScopeCatalogParse, RefusesBrokenScopes) {
  EXPECT_EQ(parse_error("[" + row("a", R"(["b"])") + "," + row("b", R"(["c"])") + "," +
                            row("c", R"(["a"])") + "]",
                        R"({"a":0,"b":1,"c":2})"),
            "a implies itself");
  EXPECT_EQ(parse_error("[" + row("a", R"(["a"])") + "]", R"({"a":0})"), "a implies itself");
  EXPECT_EQ(parse_error("[" + row("a", R"(["b"])") + "]", R"({"a":0})"),
            "a implies the unknown scope b");
  EXPECT_EQ(parse_error("[" + row("a", "[]") + "," + row("a", "[]") + "]", R"({"a":0})"),
            "a stands twice");
  EXPECT_NE(parse_error("[" + row("a b", "[]") + "]", R"({"a b":0})"), "");
  EXPECT_NE(parse_error("[" + row("", "[]") + "]", R"({"":0})"), "");
  EXPECT_NE(parse_error("[" + row("a", "1") + "]", R"({"a":0})"), "");
  EXPECT_NE(parse_error("[" + row("a", "[1]") + "]", R"({"a":0})"), "");
  EXPECT_NE(parse_error("[{}]", "{}"), "");
  EXPECT_NE(parse_error("[1]", "{}"), "");
  EXPECT_NE(parse_error("{}", "{}"), "");
}

// Two ways to one scope are no cycle.
TEST(ScopeCatalogParse, ClosesOverADiamond) {
  const auto parsed = ScopeCatalog::parse(
      "[" + row("top", R"(["left","right"])") + "," + row("left", R"(["end"])") + "," +
          row("right", R"(["end"])") + "," + row("end", "[]") + "]",
      R"({"top":3,"left":2,"right":1,"end":0})");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->format(parsed->find("top")->closure), "top left right end");
  EXPECT_EQ(parsed->format(parsed->find("left")->closure), "left end");
}

NumberedScope declared(const std::string& identifier, uint8_t number,
                       std::vector<std::string> implies = {}) {
  return {
      {identifier, "Read", "Reads orders.", "Acme orders", std::move(implies), Role::reader, false},
      {number},
      false};
}

TEST(ScopeCatalogWith, PutsDeclaredScopesBehindTheBuiltInOnesByNumber) {
  const auto both =
      catalog().with({declared("acme.write", 130, {"acme.read"}), declared("acme.read", 128)});
  ASSERT_TRUE(both.has_value()) << both.error().message;
  const auto& scopes = both->scopes();
  ASSERT_EQ(scopes.size(), catalog().scopes().size() + 2);
  EXPECT_EQ(scopes[scopes.size() - 2].identifier, "acme.read");
  EXPECT_EQ(scopes.back().identifier, "acme.write");
  const auto requested = both->parse_requested("acme.write vso.code");
  ASSERT_TRUE(requested.has_value());
  EXPECT_EQ(requested->text, "vso.code acme.write");
  EXPECT_TRUE(requested->closure.contains({128}));
  EXPECT_TRUE(requested->closure.contains({130}));
  EXPECT_FALSE(both->find("acme.read")->closure.contains({130}));
  // The built-in ones are as they were, and full access is still everything.
  for (const Scope& scope : catalog().scopes()) {
    EXPECT_EQ(both->find(scope.identifier)->closure, scope.closure) << scope.identifier;
  }
  EXPECT_FALSE(catalog().parse_requested("acme.read").has_value());
}

TEST(ScopeCatalogWith, AWithdrawnScopeKeepsTokensGoodAndOpensNothing) {
  NumberedScope gone = declared("acme.read", 128);
  gone.is_withdrawn = true;
  const auto rest = catalog().with({gone, declared("acme.other", 129)});
  ASSERT_TRUE(rest.has_value());
  const auto closure = rest->closure_of("acme.read acme.other");
  ASSERT_TRUE(closure.has_value());
  EXPECT_FALSE(closure->contains({128}));
  EXPECT_TRUE(closure->contains({129}));
  const auto asked = rest->parse_requested("acme.read");
  ASSERT_FALSE(asked.has_value());
  EXPECT_EQ(asked.error().message, "The scope \"acme.read\" cannot be given to a token.");
  EXPECT_FALSE(rest->find("acme.read")->shown);
}

TEST(ScopeCatalogWith, RefusesNumbersAndCategoriesThatAreNotItsOwn) {
  EXPECT_FALSE(catalog().with({declared("acme.a", 128), declared("acme.b", 128)}).has_value());
  for (const int other : {0, 127, 254, 255}) {
    const auto number = static_cast<uint8_t>(other);
    EXPECT_FALSE(catalog().with({declared("acme.a", number)}).has_value()) << int{number};
  }
  NumberedScope ours = declared("acme.a", 128);
  ours.scope.category = "code";
  const auto refused = catalog().with({ours});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::configuration);
  EXPECT_FALSE(catalog().with({declared("acme.a", 128, {"acme.b"})}).has_value());
}

}  // namespace
}  // namespace latchkey::core
