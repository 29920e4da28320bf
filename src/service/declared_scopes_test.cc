#include "service/declared_scopes.h"

#include <gmock/gmock.h>

#include "core/role.h"
#include "service/world_for_test.h"
#include "store/scope_rows.h"

namespace latchkey::service {
namespace {

using testing::HasSubstr;

core::DeclaredScope scope(const std::string& identifier, std::vector<std::string> implies = {}) {
  return {identifier,         "Read", "Reads orders.", "Acme orders", std::move(implies),
          core::Role::reader, false};
}

class DeclaredScopesTest : public testing::Test {
 protected:
  Result<core::ScopeCatalog> settle(const std::vector<core::DeclaredScope>& declared) {
    return settle_scopes(world_.store(), world_.catalog, declared);
  }
  int number(const core::ScopeCatalog& catalog, const std::string& name) {
    const core::Scope* found = catalog.find(name);
    return found == nullptr ? -1 : found->number.value;
  }
  uint64_t revision() { return world_.store().head().revision.number; }
  World world_;
};

TEST_F(DeclaredScopesTest, NumbersArePermanentAndNeverGivenAgain) {
  const auto first = World::must(settle({scope("acme.a"), scope("acme.b")}));
  EXPECT_EQ(number(first, "acme.a"), 128);
  EXPECT_EQ(number(first, "acme.b"), 129);
  // In another order, with one more, without another.
  const auto second = World::must(settle({scope("acme.c"), scope("acme.b")}));
  EXPECT_EQ(number(second, "acme.b"), 129);
  EXPECT_EQ(number(second, "acme.c"), 130);
  EXPECT_EQ(second.find("acme.a")->origin, core::ScopeOrigin::withdrawn);
  // What comes back has its number again, also after a restart.
  world_.reopen();
  const auto third = World::must(settle({scope("acme.d"), scope("acme.a")}));
  EXPECT_EQ(number(third, "acme.a"), 128);
  EXPECT_EQ(third.find("acme.a")->origin, core::ScopeOrigin::declared);
  EXPECT_EQ(number(third, "acme.d"), 131);
}

TEST_F(DeclaredScopesTest, WhatAStartChangesIsOneEvent) {
  const uint64_t before = revision();
  World::must(settle({}));
  EXPECT_EQ(revision(), before);
  World::must(settle({scope("acme.a"), scope("acme.b")}));
  EXPECT_EQ(revision(), before + 1);
  World::must(settle({scope("acme.b"), scope("acme.a")}));
  EXPECT_EQ(revision(), before + 1);
  World::must(settle({scope("acme.a", {"acme.c"}), scope("acme.c")}));
  EXPECT_EQ(revision(), before + 2);
  const auto events = world_.events_after({before + 1});
  EXPECT_EQ(events.back().draft.action, core::Action::scopes_declared);
  EXPECT_EQ(events.back().draft.data,
            R"({"added":["acme.c"],"changed":["acme.a"],"withdrawn":["acme.b"]})");
  EXPECT_TRUE(store::verify_audit(world_.store(), {}).has_value());
}

TEST_F(DeclaredScopesTest, NothingIsWrittenOfARefusedDeclaration) {
  World::must(settle({scope("acme.a")}));
  const uint64_t before = revision();
  core::DeclaredScope ours = scope("acme.b");
  ours.category = "Code";
  const auto refused = settle({scope("acme.a"), ours});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::configuration);
  EXPECT_FALSE(settle({scope("vso.code")}).has_value());
  EXPECT_EQ(revision(), before);
  EXPECT_EQ(number(World::must(settle({scope("acme.c")})), "acme.c"), 129);
}

TEST_F(DeclaredScopesTest, ThereAreNumbersFor126InTheLifeOfAnInstallation) {
  std::vector<core::DeclaredScope> many;
  for (size_t i = 0; i < core::kDeclaredScopesMax; ++i) {
    many.push_back(scope("acme.s" + std::to_string(i)));
  }
  EXPECT_EQ(number(World::must(settle(many)), "acme.s125"), 253);
  const auto refused = settle({scope("acme.more")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("no number is left for acme.more"));
  EXPECT_EQ(number(World::must(settle({scope("acme.s0")})), "acme.s0"), 128);
}

// A row written past the server gives no scope another meaning: names decide, and numbers that
// cannot be are refused.
TEST_F(DeclaredScopesTest, ARowFromOutsideIsRefusedOrHarmless) {
  World::must(settle({scope("acme.a"), scope("acme.b")}));
  const auto change = [&](const std::string& sql) {
    return world_.store().write_aside([&](store::WriteTx& tx) -> Result<void> {
      LK_CHECK(tx.connection().run(sql));
      return {};
    });
  };
  World::check(
      change("UPDATE declared_scopes SET declaration = "
             "replace(declaration, '\"implies\":[]', '\"implies\":[\"acme.b\"]') "
             "WHERE number = 128"));
  const auto catalog = World::must(settle({scope("acme.a"), scope("acme.b")}));
  EXPECT_FALSE(catalog.find("acme.a")->closure.contains({129}));
  World::check(change("UPDATE declared_scopes SET number = 10 WHERE number = 128"));
  const auto refused = settle({scope("acme.a"), scope("acme.b")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::integrity_violated);
}

}  // namespace
}  // namespace latchkey::service
