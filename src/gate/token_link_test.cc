#include "gate/token_link.h"

#include <gtest/gtest.h>

#include "core/role.h"

namespace latchkey::gate {
namespace {

const core::ScopeCatalog& catalog() {
  static const core::ScopeCatalog built_in = core::ScopeCatalog::built_in();
  return built_in;
}

// Alternatives, each of scopes with a space between.
std::string least(std::initializer_list<std::string_view> alternatives) {
  std::vector<core::ScopeSet> sets;
  for (const std::string_view alternative : alternatives) {
    core::ScopeSet set;
    for (const auto& scope : catalog().scopes()) {
      const std::string padded = " " + std::string(alternative) + " ";
      if (padded.find(" " + scope.identifier + " ") != std::string::npos) set.add(scope.number);
    }
    sets.push_back(set);
  }
  return least_scopes(catalog(), verify::ScopeRequirement(sets));
}

TEST(LeastScopes, IsTheAlternativeThatAllowsLeast) {
  EXPECT_EQ(least({"vso.code_manage", "vso.code", "vso.code_write"}), "vso.code");
  EXPECT_EQ(least({"vso.work vso.code", "vso.work_full"}), "vso.code vso.work");
  EXPECT_EQ(least({"vso.wiki vso.analytics"}), "vso.analytics vso.wiki");
}

TEST(LeastScopes, IsNeverWhatAPersonCannotChooseThere) {
  EXPECT_EQ(least({"app_token"}), "");
  EXPECT_EQ(least({"vso.pats", "vso.loadtest"}), "");
  EXPECT_EQ(least({"vso.hooks", "vso.hooks_write"}), "");  // given, but not shown
  EXPECT_EQ(least({"vso.pats", "vso.code_full"}), "vso.code_full");
  EXPECT_EQ(least({"vso.pats vso.code"}), "");
  // A bit that the catalog does not know.
  core::ScopeSet unknown;
  unknown.add({200});
  EXPECT_EQ(least_scopes(catalog(), verify::ScopeRequirement({unknown})), "");
}

TEST(LeastScopes, IsEmptyWhereAnyTokenWouldDoOrNone) {
  EXPECT_EQ(least({""}), "");
  EXPECT_EQ(least({}), "");
}

TEST(TokenPageLink, NamesScopesAndName) {
  EXPECT_EQ(token_page_link("https://t.example.com", {"FabriKam", "vso.code vso.work", "git push"}),
            "https://t.example.com/fabrikam/_usersSettings/tokens?new=1&scopes=vso.code+vso.work"
            "&name=git+push");
  EXPECT_EQ(token_page_link("http://[::1]:80", {"a-1", "acme.b", ""}),
            "http://[::1]:80/a-1/_usersSettings/tokens?new=1&scopes=acme.b");
}

TEST(TokenPageLink, IsEmptyWithoutWhatItNeeds) {
  EXPECT_EQ(token_page_link("", {"fabrikam", "vso.code", "x"}), "");
  EXPECT_EQ(token_page_link("https://t", {"", "vso.code", "x"}), "");
  EXPECT_EQ(token_page_link("https://t", {"fabrikam", "", "x"}), "");
}

// What a caller chose (a path, an operation of a foreign document) cannot add to the address.
TEST(TokenPageLink, SmugglesNothing) {
  EXPECT_EQ(token_page_link("https://t", {"a/../b?x=1#y", "vso.code", "<script>&new=2\r\n\"'%00é"}),
            "https://t/a%2F..%2Fb%3Fx%3D1%23y/_usersSettings/tokens?new=1&scopes=vso.code"
            "&name=scriptnew200");
  const std::string long_name(10'000, 'n');
  EXPECT_LE(token_page_link("https://t", {"a", "vso.code", long_name}).size(), 200u);
  const std::string long_scopes(kTokenLinkBytesMax, 's');
  EXPECT_EQ(token_page_link("https://t", {"a", long_scopes, "x"}), "");
}

}  // namespace
}  // namespace latchkey::gate
