#include "core/role.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "core/vectors_for_test.h"

namespace latchkey::core {
namespace {

constexpr std::array<Role, 4> kRoles = {Role::reader, Role::member, Role::administrator,
                                        Role::owner};

TEST(RoleMask, FollowsVectorsForEveryScope) {
  const ScopeCatalog catalog = ScopeCatalog::built_in();
  const json::value document = load_vectors("roles.json");
  ASSERT_EQ(cases(document, "scopes").size(), catalog.scopes().size());
  for (const char* list : {"scopes", "unassigned"}) {
    for (const json::value& vector : cases(document, list)) {
      const ScopeNumber number{static_cast<uint8_t>(number_of(vector, "number"))};
      for (const Role role : kRoles) {
        EXPECT_EQ(role_mask(catalog, role).contains(number),
                  member(vector, role_name(role)).as_bool())
            << int{number.value} << " for " << role_name(role);
      }
    }
  }
}

TEST(RoleMask, GrowsWithTheRole) {
  const ScopeCatalog catalog = ScopeCatalog::built_in();
  for (size_t i = 1; i < kRoles.size(); ++i) {
    EXPECT_TRUE(role_mask(catalog, kRoles[i]).contains_all(role_mask(catalog, kRoles[i - 1])));
  }
}

// What a reader's token is left with, of full access: nothing that writes.
TEST(RoleMask, LeavesAReadersFullAccessTokenOnlyReading) {
  const ScopeCatalog catalog = ScopeCatalog::built_in();
  const auto full = catalog.parse_requested("app_token");
  ASSERT_TRUE(full.has_value());
  const ScopeSet left = full->closure & role_mask(catalog, Role::reader);
  for (const Scope& scope : catalog.scopes()) {
    if (!left.contains(scope.number)) continue;
    EXPECT_EQ(scope.level, "Read") << scope.identifier;
    EXPECT_FALSE(scope.high_privilege) << scope.identifier;
  }
  EXPECT_FALSE(left.empty());
}

// By the declaration alone: a title of "Read" says nothing.
TEST(RoleMask, HoldsADeclaredScopeFromItsRoleOn) {
  const auto declared = [](uint8_t number, Role least_role) {
    const std::string name = "acme.s" + std::to_string(number);
    return NumberedScope{{name, "Read", "Reads.", "Acme", {}, least_role, true}, {number}, false};
  };
  const auto catalog =
      ScopeCatalog::built_in().with({declared(128, Role::reader), declared(129, Role::member),
                                     declared(130, Role::administrator)});
  ASSERT_TRUE(catalog.has_value());
  const auto held = [&](Role role) {
    const ScopeSet mask = role_mask(*catalog, role);
    return std::array{mask.contains({128}), mask.contains({129}), mask.contains({130})};
  };
  EXPECT_EQ(held(Role::reader), (std::array{true, false, false}));
  EXPECT_EQ(held(Role::member), (std::array{true, true, false}));
  EXPECT_EQ(held(Role::administrator), (std::array{true, true, true}));
  EXPECT_EQ(held(Role::owner), (std::array{true, true, true}));
}

TEST(RoleAllows, FollowsVectors) {
  constexpr std::array<std::pair<std::string_view, Permission>, 7> kPermissions = {{
      {"read_organization", Permission::read_organization},
      {"make_tokens", Permission::make_tokens},
      {"write_projects", Permission::write_projects},
      {"manage_projects", Permission::manage_projects},
      {"manage_members", Permission::manage_members},
      {"manage_organization", Permission::manage_organization},
      {"delete_organization", Permission::delete_organization},
  }};
  const json::value document = load_vectors("roles.json");
  ASSERT_EQ(cases(document, "permissions").size(), kPermissions.size());
  for (size_t i = 0; i < kPermissions.size(); ++i) {
    const json::value& vector = cases(document, "permissions")[i];
    ASSERT_EQ(text_of(vector, "permission"), kPermissions[i].first);
    for (const Role role : kRoles) {
      EXPECT_EQ(role_allows(role, kPermissions[i].second),
                member(vector, role_name(role)).as_bool())
          << kPermissions[i].first << " for " << role_name(role);
    }
  }
}

TEST(RoleName, ReadsBack) {
  for (const Role role : kRoles) EXPECT_EQ(parse_role(role_name(role)), role);
  EXPECT_EQ(parse_role("Owner"), std::nullopt);
  EXPECT_EQ(parse_role(""), std::nullopt);
}

}  // namespace
}  // namespace latchkey::core
