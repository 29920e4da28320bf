// What a token may do is its scopes under its owner's role now: never more, whatever came before.
#include <gtest/gtest.h>

#include <random>

#include "core/role.h"
#include "core/scope_catalog.h"
#include "verify/feed_for_test.h"
#include "verify/verifier.h"

namespace latchkey::verify {
namespace {

constexpr Instant kStart{1'780'000'000'000};
constexpr int kSteps = 2'000;

// One token, its owner's role, and both as this test remembers them.
class Rights : public testing::Test {
 protected:
  Rights() {
    text_ = std::string(core::generate_token(provider_, keys_.current_id(), kStart, entropy_)
                            ->reveal(RevealSecret{}));
    item_.id = id_for_test<core::TokenId>(1);
    item_.organization = id_for_test<core::OrganizationId>(2);
    item_.owner = id_for_test<core::PersonId>(3);
    item_.digest = *keys_.digest_of(keys_.current_id(), text_);
    item_.valid_to = kStart + std::chrono::days(1);
  }
  // A set of one to four scopes, as a person asks for them, or full access.
  core::ScopeSet some_scopes() {
    const auto& all = catalog_.scopes();
    if (random_() % 10 == 0) return *catalog_.closure_of("app_token");
    std::string asked;
    for (uint64_t i = 0; i <= random_() % 4; ++i) {
      const auto& scope = all[random_() % all.size()];
      if (scope.identifier == core::ScopeCatalog::kFullAccess) continue;
      asked += (asked.empty() ? "" : " ") + scope.identifier;
    }
    const auto closed = catalog_.closure_of(asked);
    return closed ? *closed : core::ScopeSet();
  }
  Result<Grant> check(const core::ScopeSet& needed) {
    return verifier_.check(text_, std::nullopt, ScopeRequirement({needed}),
                           {clock_.now(), clock_.ticks()});
  }

  const core::ScopeCatalog catalog_ = core::ScopeCatalog::built_in();
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  const core::DigestKeys keys_{{{core::DigestKeyId{}, Hmac(SecretKey({1, 2, 3}))}},
                               core::DigestKeyId{}};
  FakeClock clock_{kStart};
  SeededEntropy entropy_{5};
  FeedForTest feed_;
  Verifier verifier_{keys_, provider_, clock_, VerifierOptions{}};
  std::mt19937_64 random_{20261124};
  std::string text_;
  TokenItem item_;
};

TEST_F(Rights, AreTheScopesUnderTheRoleNowAndNeverMore) {
  constexpr core::Role kRoles[] = {core::Role::reader, core::Role::member,
                                   core::Role::administrator, core::Role::owner};
  std::optional<core::Role> role;
  core::ScopeSet scopes = some_scopes();
  item_.scopes = scopes;
  feed_.add(item_);
  ASSERT_TRUE(verifier_.load(feed_));
  for (int step = 0; step < kSteps; ++step) {
    SCOPED_TRACE(step);
    if (random_() % 3 == 0) {
      item_.scopes = scopes = some_scopes();
      feed_.add(item_);
    } else {
      role = random_() % 5 == 0 ? std::nullopt : std::optional(kRoles[random_() % 4]);
      const auto mask = role ? core::role_mask(catalog_, *role) : core::ScopeSet::all();
      feed_.add(MembershipItem{item_.organization, item_.owner, role.has_value(), mask});
    }
    ASSERT_TRUE(verifier_.follow_once(feed_, Milliseconds(0)));
    const auto grant = check({});
    ASSERT_EQ(grant.has_value(), role.has_value());
    if (!grant) {
      ASSERT_EQ(grant.error().code, ErrorCode::token_owner_disabled);
      continue;
    }
    const core::ScopeSet allowed = scopes & core::role_mask(catalog_, *role);
    ASSERT_EQ(grant->scopes(), allowed);
    const core::ScopeSet wanted = some_scopes();
    ASSERT_EQ(check(wanted).has_value(), allowed.contains_all(wanted));
  }
}

}  // namespace
}  // namespace latchkey::verify
