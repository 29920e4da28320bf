#include "core/declared_scope.h"

#include <gmock/gmock.h>

#include "core/role.h"

namespace latchkey::core {
namespace {

using testing::HasSubstr;

DeclaredScope scope(const std::string& identifier, std::vector<std::string> implies = {}) {
  return {identifier,   "Read", "Reads orders.", "Acme orders", std::move(implies),
          Role::reader, false};
}

Error refused(const std::vector<DeclaredScope>& scopes) {
  const auto checked = check_declared_scopes(scopes);
  EXPECT_FALSE(checked.has_value());
  return checked ? Error(ErrorCode::internal) : checked.error();
}

TEST(DeclaredScopes, AcceptsNamesOfTwoPartsAndMore) {
  for (const char* name : {"a.b", "acme.orders_read", "acme.eu-west.orders2", "x1.y_z"}) {
    EXPECT_TRUE(check_declared_scopes(std::vector{scope(name)}).has_value()) << name;
  }
  EXPECT_TRUE(check_declared_scopes({}).has_value());
}

TEST(DeclaredScopes, RefusesOtherNamesWithTheirKey) {
  const std::string long_name = "a." + std::string(63, 'b');
  for (const std::string& name :
       {std::string(), std::string("orders"), std::string("app_token"),
        std::string("user_impersonation"), std::string("vso.code"), std::string("Acme.read"),
        std::string("acme."), std::string(".read"), std::string("acme..read"),
        std::string("acme.1"), std::string("acme.re ad"), std::string("acme.r\"d"),
        std::string("acme.ré"), std::string("acme.\n"), long_name}) {
    const Error error = refused({scope("acme.first"), scope(name)});
    EXPECT_EQ(error.code, ErrorCode::configuration) << name;
    EXPECT_EQ(error.field, "gate.scope[1].name") << name;
  }
}

TEST(DeclaredScopes, RefusesWordsThatAreEmptyLongOrHoldControlCharacters) {
  const std::vector<std::pair<std::string DeclaredScope::*, const char*>> words = {
      {&DeclaredScope::title, "gate.scope[0].title"},
      {&DeclaredScope::description, "gate.scope[0].description"},
      {&DeclaredScope::category, "gate.scope[0].category"}};
  for (const auto& [member, key] : words) {
    for (const std::string& text :
         {std::string(), std::string("  "), std::string("a\nb"), std::string("\xff"),
          std::string(" a"), std::string(301, 'x')}) {
      DeclaredScope bad = scope("acme.read");
      bad.*member = text;
      EXPECT_EQ(refused({bad}).field, key) << text;
    }
  }
  DeclaredScope edge = scope("acme.read");
  edge.title = std::string(60, 'x');
  EXPECT_TRUE(check_declared_scopes(std::vector{edge}).has_value());
  edge.title += "x";
  EXPECT_THAT(refused({edge}).message, HasSubstr("at most 60 characters"));
}

TEST(DeclaredScopes, RefusesTheSameNameTwice) {
  const Error error = refused({scope("acme.read"), scope("acme.write"), scope("acme.read")});
  EXPECT_EQ(error.field, "gate.scope[2].name");
  EXPECT_THAT(error.message, HasSubstr("gate.scope[0]"));
}

TEST(DeclaredScopes, ImpliesOnlyWhatIsDeclared) {
  EXPECT_EQ(refused({scope("acme.read", {"acme.other"})}).field, "gate.scope[0].implies");
  // So that no declaration widens what the built-in scopes guard.
  EXPECT_EQ(refused({scope("acme.read", {"vso.code"})}).field, "gate.scope[0].implies");
  EXPECT_EQ(refused({scope("acme.read", {"app_token"})}).field, "gate.scope[0].implies");
  EXPECT_EQ(refused({scope("acme.a", {"acme.b", "acme.b"}), scope("acme.b")}).field,
            "gate.scope[0].implies");
}

TEST(DeclaredScopes, RefusesCycles) {
  EXPECT_EQ(refused({scope("acme.a", {"acme.a"})}).field, "gate.scope[0].implies");
  const Error error = refused(
      {scope("acme.a", {"acme.b"}), scope("acme.b", {"acme.c"}), scope("acme.c", {"acme.a"})});
  EXPECT_THAT(error.message, HasSubstr("must not lead back to acme.a"));
  // A diamond is none.
  EXPECT_TRUE(check_declared_scopes(std::vector{scope("acme.a", {"acme.b", "acme.c"}),
                                                scope("acme.b", {"acme.d"}),
                                                scope("acme.c", {"acme.d"}), scope("acme.d")})
                  .has_value());
}

TEST(DeclaredScopes, AreBoundedInCount) {
  std::vector<DeclaredScope> many;
  while (many.size() < kDeclaredScopesMax)
    many.push_back(scope("acme.s" + std::to_string(many.size())));
  EXPECT_TRUE(check_declared_scopes(many).has_value());
  many.push_back(scope("acme.more"));
  EXPECT_EQ(refused(many).field, "gate.scope");
  DeclaredScope wide = scope("acme.wide");
  for (int i = 0; i < 21; ++i) wide.implies.push_back("acme.s" + std::to_string(i));
  EXPECT_EQ(refused({wide}).field, "gate.scope[0].implies");
}

TEST(DeclaredScopes, ReadBackAsWritten) {
  DeclaredScope whole = scope("acme.write", {"acme.read"});
  whole.description = "Änderungen \"überall\"";
  whole.least_role = Role::administrator;
  whole.high_privilege = true;
  const auto read = parse_declared_scope(format_declared_scope(whole));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, whole);
  const std::vector<NumberedScope> numbered = {{scope("acme.read"), {128}, true},
                                               {whole, {253}, false}};
  const auto list = parse_numbered_scopes(format_numbered_scopes(numbered));
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(*list, numbered);
}

TEST(DeclaredScopes, RefuseDamagedTexts) {
  const std::string good =
      format_numbered_scopes(std::vector<NumberedScope>{{scope("acme.read"), {128}, false}});
  ASSERT_TRUE(parse_numbered_scopes(good).has_value());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[1]"), with("128", "127"),
        with("128", "254"), with("128", "\"128\""), with("acme.read", "vso.code"),
        with("\"reader\"", "\"king\""), with("\"implies\":[]", "\"implies\":[1]")}) {
    const auto parsed = parse_numbered_scopes(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::integrity_violated) << text;
  }
}

}  // namespace
}  // namespace latchkey::core
