#include "verify/verifier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>

#include "verify/feed_for_test.h"

// Counts what this program allocates, for the test that check() allocates nothing. Not inlined, or
// gcc takes new and free() for a mismatch.
namespace {
std::atomic<uint64_t> allocations{0};
}  // namespace

[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  std::abort();
}
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  ++allocations;
  const size_t unit = static_cast<size_t>(alignment);
  if (void* block = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return block;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t, std::align_val_t) noexcept {
  std::free(block);
}

namespace latchkey::verify {
namespace {

constexpr Instant kStart{1'780'000'000'000};

Hmac make_key(uint8_t fill) {
  std::array<uint8_t, 32> bytes;
  bytes.fill(fill);
  return Hmac(SecretKey(bytes));
}

class VerifierTest : public testing::Test {
 protected:
  const core::OrganizationId contoso_ = id_for_test<core::OrganizationId>(1);
  const core::OrganizationId fabrikam_ = id_for_test<core::OrganizationId>(2);
  const core::PersonId ada_ = id_for_test<core::PersonId>(11);
  const core::PersonId ben_ = id_for_test<core::PersonId>(12);
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  const core::DigestKeys keys_{
      {{core::DigestKeyId{{'A', 'A'}}, make_key(1)}, {core::DigestKeyId{{'A', 'B'}}, make_key(2)}},
      core::DigestKeyId{{'A', 'A'}}};
  FakeClock clock_{kStart};
  SeededEntropy entropy_{7};
  FeedForTest feed_;
  Verifier verifier_{keys_, provider_, clock_, VerifierOptions{}};

  void SetUp() override {
    set_membership(contoso_, ada_, true, scopes_for_test({1, 2, 3}));
    feed_.add(OrganizationItem{contoso_, "contoso", true});
  }

  void set_membership(core::OrganizationId organization, core::PersonId person, bool active,
                      core::ScopeSet mask) {
    feed_.add(MembershipItem{organization, person, active, mask});
  }

  std::string make_text(std::array<char, 2> key_id = {'A', 'A'}) {
    auto text = core::generate_token(provider_, {key_id}, clock_.now(), entropy_);
    EXPECT_TRUE(text);
    return std::string(text->reveal(RevealSecret{}));
  }
  Digest digest_of(std::string_view text) const {
    const auto parts = core::parse_token(provider_, text);
    return *keys_.digest_of(parts->key_id, text);
  }
  // A live token of Ada's in Contoso with scopes 1 and 2 that ends in a day.
  TokenItem item_of(std::string_view text, uint64_t id = 100) const {
    return {id_for_test<core::TokenId>(id),
            contoso_,
            ada_,
            digest_of(text),
            scopes_for_test({1, 2}),
            kStart + std::chrono::hours(24),
            core::TokenState::live};
  }
  void load() { ASSERT_TRUE(verifier_.load(feed_)); }
  void follow() { ASSERT_TRUE(verifier_.follow_once(feed_, Milliseconds(0))); }

  Moment now() const { return {clock_.now(), clock_.ticks()}; }
  Result<Grant> check(std::string_view text,
                      const ScopeRequirement& required = ScopeRequirement::any_token()) {
    return verifier_.check(text, contoso_, required, now());
  }
  // "ok" or the error's name.
  std::string answer(std::string_view text) { return name_of(check(text)); }
  static std::string name_of(const Result<Grant>& result) {
    return result ? "ok" : std::string(error_name(result.error().code));
  }
};

TEST_F(VerifierTest, GrantSaysWhoseTokenItIsAndWhatItMay) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const auto grant = check(text);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->token(), id_for_test<core::TokenId>(100));
  EXPECT_EQ(grant->organization(), contoso_);
  EXPECT_EQ(grant->owner(), ada_);
  EXPECT_EQ(grant->scopes(), scopes_for_test({1, 2}));
  EXPECT_EQ(grant->valid_to(), kStart + std::chrono::hours(24));
}

TEST_F(VerifierTest, BeforeLoadEveryCheckIsStale) {
  EXPECT_EQ(answer(make_text()), "index_stale");
  EXPECT_EQ(answer("x"), "index_stale");
  EXPECT_FALSE(verifier_.find_organization("contoso"));
  EXPECT_FALSE(verifier_.status().loaded);
}

TEST_F(VerifierTest, StaleIndexRefusesAtTheExactBound) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  clock_.advance(Milliseconds(1000));
  EXPECT_EQ(answer(text), "ok");
  clock_.advance(Milliseconds(1));
  EXPECT_EQ(answer(text), "index_stale");
  EXPECT_EQ(verifier_.status().age, Milliseconds(1001));
  follow();
  EXPECT_EQ(answer(text), "ok");
}

TEST_F(VerifierTest, AgeIsCountedFromWhenThePollWasSent) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  feed_.on_call([&] { clock_.advance(Milliseconds(600)); });
  follow();
  EXPECT_EQ(verifier_.status().age, Milliseconds(600));
  clock_.advance(Milliseconds(401));
  EXPECT_EQ(answer(text), "index_stale");
}

TEST_F(VerifierTest, TheMomentThatTheFeedNamesCounts) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  clock_.advance(Milliseconds(5'000));
  feed_.be_current_at(Ticks{4'400});
  load();
  EXPECT_EQ(verifier_.status().age, Milliseconds(600));
  clock_.advance(Milliseconds(400));
  EXPECT_EQ(answer(text), "ok");
  clock_.advance(Milliseconds(1));
  EXPECT_EQ(answer(text), "index_stale");
  // One that is further behind takes nothing back of what was confirmed.
  feed_.be_current_at(Ticks{5'300});
  follow();
  EXPECT_EQ(verifier_.status().age, Milliseconds(101));
  feed_.be_current_at(Ticks{5'000});
  follow();
  EXPECT_EQ(verifier_.status().age, Milliseconds(101));
}

TEST_F(VerifierTest, WhatIsLoadedAnewIsAsOldAsItIs) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  clock_.advance(Milliseconds(5'000));
  load();
  EXPECT_EQ(answer(text), "ok");
  // From a node that is far behind: the age of the index before is not that of this one.
  feed_.begin_epoch(id_for_test<core::Epoch>(7));
  feed_.be_current_at(Ticks{3'999});
  follow();
  EXPECT_EQ(verifier_.status().age, Milliseconds(1'001));
  EXPECT_EQ(answer(text), "index_stale");
}

// A process that was stopped, or a machine that slept: the moment of the request counts, not when
// the follower was last heard.
TEST_F(VerifierTest, WhoWakesWithAnOldIndexRefusesTheFirstCheck) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const Moment before = now();
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(name_of(check(text)), "index_stale");
  // A check that began before the sleep may answer what was true then (rule V18).
  EXPECT_EQ(name_of(verifier_.check(text, contoso_, ScopeRequirement::any_token(), before)), "ok");
}

TEST_F(VerifierTest, AFailedPollConfirmsNothing) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  clock_.advance(Milliseconds(900));
  feed_.fail(ErrorCode::store_unavailable, 1);
  EXPECT_EQ(verifier_.follow_once(feed_, Milliseconds(0)).error().code,
            ErrorCode::store_unavailable);
  clock_.advance(Milliseconds(101));
  EXPECT_EQ(answer(text), "index_stale");
}

TEST_F(VerifierTest, MalformedTextIsRefused) {
  load();
  std::string text = make_text();
  EXPECT_EQ(answer(""), "token_malformed");
  EXPECT_EQ(answer(text.substr(1)), "token_malformed");
  text[83] = text[83] == 'a' ? 'b' : 'a';
  EXPECT_EQ(answer(text), "token_malformed");
}

TEST_F(VerifierTest, UnknownTokenAndUnknownKeyLookAlike) {
  load();
  EXPECT_EQ(answer(make_text()), "token_unknown");
  EXPECT_EQ(answer(make_text({'Z', 'Z'})), "token_unknown");
}

TEST_F(VerifierTest, EachKeyFindsItsTokens) {
  const std::string old_text = make_text({'A', 'B'});
  feed_.add(item_of(old_text));
  load();
  EXPECT_EQ(answer(old_text), "ok");
}

TEST_F(VerifierTest, AtExactExpiry) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.valid_to = kStart + Milliseconds(10);
  feed_.add(item);
  load();
  clock_.advance(Milliseconds(9));
  EXPECT_EQ(answer(text), "ok");
  clock_.advance(Milliseconds(1));
  EXPECT_EQ(answer(text), "token_expired");
  clock_.advance(Milliseconds(1));
  EXPECT_EQ(answer(text), "token_expired");
}

TEST_F(VerifierTest, ExpiryOutsideTheTablesRangeIsTheNearestInIt) {
  const std::string early = make_text(), late = make_text();
  TokenItem item = item_of(early, 101);
  item.valid_to = {0};
  feed_.add(item);
  item = item_of(late, 102);
  item.valid_to = {253'402'300'799'999};
  feed_.add(item);
  load();
  EXPECT_EQ(answer(early), "token_expired");
  EXPECT_EQ(answer(late), "ok");
}

TEST_F(VerifierTest, ClockStepBackNeverRevives) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.valid_to = kStart + Milliseconds(10);
  feed_.add(item);
  load();
  clock_.set(kStart + Milliseconds(10));
  EXPECT_EQ(answer(text), "token_expired");
  clock_.set(kStart);
  EXPECT_EQ(answer(text), "token_expired");
  follow();
  EXPECT_EQ(answer(text), "token_expired");
  clock_.set(kStart + Milliseconds(10) - std::chrono::hours(1) + Milliseconds(1));
  EXPECT_EQ(answer(text), "token_expired");
}

TEST_F(VerifierTest, ClockStepBackIsSeenByPollsToo) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.valid_to = kStart + Milliseconds(10);
  feed_.add(item);
  load();
  clock_.set(kStart + Milliseconds(20));
  follow();
  clock_.set(kStart);
  EXPECT_EQ(answer(text), "token_expired");
}

TEST_F(VerifierTest, AClockThatWasFarAheadIsBelievedWhenCorrected) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  clock_.set(kStart + std::chrono::hours(48));
  EXPECT_EQ(answer(text), "token_expired");
  follow();
  clock_.set(kStart);
  follow();
  EXPECT_EQ(answer(text), "ok");
}

TEST_F(VerifierTest, RevocationIsSeenWithItsRound) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  feed_.add(item);
  load();
  EXPECT_EQ(answer(text), "ok");
  item.state = core::TokenState::revoked;
  feed_.add(item);
  follow();
  EXPECT_EQ(answer(text), "token_revoked");
}

TEST_F(VerifierTest, RevokedIsToldBeforeExpired) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.state = core::TokenState::revoked;
  item.valid_to = kStart;
  feed_.add(item);
  load();
  EXPECT_EQ(answer(text), "token_revoked");
}

TEST_F(VerifierTest, RegenerationRetiresTheOldSecret) {
  const std::string old_text = make_text(), new_text = make_text();
  feed_.add(item_of(old_text));
  load();
  feed_.add(
      RetiredDigestItem{id_for_test<core::TokenId>(100), contoso_, ada_, digest_of(old_text)});
  feed_.add(item_of(new_text));
  follow();
  EXPECT_EQ(answer(old_text), "token_revoked");
  EXPECT_EQ(answer(new_text), "ok");
}

TEST_F(VerifierTest, ScopeAndExpiryChangesAreSeen) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  feed_.add(item);
  load();
  item.scopes = scopes_for_test({3});
  item.valid_to = kStart + Milliseconds(5);
  feed_.add(item);
  follow();
  const auto grant = check(text);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->scopes(), scopes_for_test({3}));
  EXPECT_EQ(grant->valid_to(), kStart + Milliseconds(5));
}

TEST_F(VerifierTest, OwnerWithoutMembershipIsDisabled) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.owner = ben_;
  feed_.add(item);
  load();
  EXPECT_EQ(answer(text), "token_owner_disabled");
  set_membership(contoso_, ben_, true, scopes_for_test({1}));
  follow();
  EXPECT_EQ(answer(text), "ok");
  EXPECT_EQ(check(text)->scopes(), scopes_for_test({1}));
  set_membership(contoso_, ben_, false, scopes_for_test({1}));
  follow();
  EXPECT_EQ(answer(text), "token_owner_disabled");
}

TEST_F(VerifierTest, MembershipInAnotherOrganizationDoesNotCount) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.owner = ben_;
  feed_.add(item);
  set_membership(fabrikam_, ben_, true, scopes_for_test({1}));
  load();
  EXPECT_EQ(answer(text), "token_owner_disabled");
}

TEST_F(VerifierTest, MaskLimitsScopesAtOnce) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const ScopeRequirement two({scopes_for_test({2})});
  EXPECT_EQ(name_of(check(text, two)), "ok");
  set_membership(contoso_, ada_, true, scopes_for_test({1}));
  follow();
  EXPECT_EQ(name_of(check(text, two)), "scope_missing");
}

TEST_F(VerifierTest, OtherOrganizationIsRefused) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const auto any = ScopeRequirement::any_token();
  EXPECT_EQ(name_of(verifier_.check(text, fabrikam_, any, now())), "token_wrong_organization");
  EXPECT_EQ(name_of(verifier_.check(text, std::nullopt, any, now())), "ok");
}

TEST_F(VerifierTest, RequirementIsAnyOneAlternative) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const auto meets = [&](std::vector<core::ScopeSet> alternatives) {
    return name_of(check(text, ScopeRequirement(std::move(alternatives))));
  };
  EXPECT_EQ(meets({scopes_for_test({1, 2})}), "ok");
  EXPECT_EQ(meets({scopes_for_test({1, 3})}), "scope_missing");
  EXPECT_EQ(meets({scopes_for_test({9}), scopes_for_test({2})}), "ok");
  EXPECT_EQ(meets({}), "scope_missing");
}

TEST_F(VerifierTest, OrderOfRefusals) {
  const std::string text = make_text();
  TokenItem item = item_of(text);
  item.organization = fabrikam_;
  item.valid_to = kStart;
  feed_.add(item);
  load();
  const ScopeRequirement nine({scopes_for_test({9})});
  EXPECT_EQ(name_of(check(text, nine)), "token_expired");
  item.valid_to = kStart + Milliseconds(1);
  feed_.add(item);
  follow();
  EXPECT_EQ(name_of(check(text, nine)), "token_owner_disabled");
  set_membership(fabrikam_, ada_, true, {});
  follow();
  EXPECT_EQ(name_of(check(text, nine)), "token_wrong_organization");
  EXPECT_EQ(name_of(verifier_.check(text, fabrikam_, nine, now())), "scope_missing");
}

TEST_F(VerifierTest, OrganizationNamesFollowTheFeed) {
  load();
  EXPECT_EQ(verifier_.find_organization("contoso"), contoso_);
  EXPECT_FALSE(verifier_.find_organization("fabrikam"));
  feed_.add(OrganizationItem{contoso_, "contoso", false});
  feed_.add(OrganizationItem{contoso_, "contoso2", true});
  feed_.add(OrganizationItem{fabrikam_, "contoso", true});
  feed_.add(OrganizationItem{contoso_, "contoso", false});  // again, and no longer its own
  follow();
  EXPECT_EQ(verifier_.find_organization("contoso2"), contoso_);
  EXPECT_EQ(verifier_.find_organization("contoso"), fabrikam_);
}

TEST_F(VerifierTest, TruncatedFeedIsLoadedAgain) {
  const std::string text = make_text(), later = make_text();
  feed_.add(item_of(text));
  load();
  feed_.add(item_of(later, 101));
  feed_.fail(ErrorCode::feed_truncated, 1);
  follow();
  EXPECT_EQ(feed_.loads(), 2);
  EXPECT_EQ(answer(text), "ok");
  EXPECT_EQ(answer(later), "ok");
  EXPECT_EQ(verifier_.find_organization("contoso"), contoso_);
}

// Nothing confirms it meanwhile: it may be the index of a state that is lost.
TEST_F(VerifierTest, WhileALoadGoesOnTheOldIndexAnswersWithinItsBound) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  feed_.begin_epoch(id_for_test<core::Epoch>(7));
  bool was_loading = false;
  feed_.on_call([&] {
    if (feed_.follows() == 0) return;
    was_loading = true;
    EXPECT_EQ(answer(text), "ok");
    clock_.advance(Milliseconds(1000));
    EXPECT_EQ(answer(text), "ok");
    clock_.advance(Milliseconds(1));
    EXPECT_EQ(answer(text), "index_stale");
  });
  follow();
  EXPECT_TRUE(was_loading);
  // The new one is as old as its load took, until the next round.
  feed_.on_call({});
  EXPECT_EQ(answer(text), "index_stale");
  follow();
  EXPECT_EQ(answer(text), "ok");
}

TEST_F(VerifierTest, AnotherEpochIsLoadedAgain) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const core::Epoch epoch = id_for_test<core::Epoch>(7);
  feed_.begin_epoch(epoch);
  follow();
  EXPECT_EQ(feed_.loads(), 2);
  EXPECT_EQ(verifier_.status().epoch, epoch);
  follow();
  EXPECT_EQ(feed_.loads(), 2);
}

// A feed that says another epoch without saying that it is to be loaded again.
TEST_F(VerifierTest, AnEpochThatChangesWithinARoundStopsTheFeed) {
  class Swapped final : public Feed {
   public:
    explicit Swapped(Feed& feed) : feed_(feed) {}
    Result<Reached> load(const Sink& sink) override { return feed_.load(sink); }
    Result<Reached> follow(const core::Position& after, Milliseconds wait,
                           const Sink& sink) override {
      LK_TRY(auto reached, feed_.follow(after, wait, sink));
      reached.position.epoch = id_for_test<core::Epoch>(7);
      return reached;
    }

   private:
    Feed& feed_;
  };
  load();
  Swapped swapped(feed_);
  const auto round = verifier_.follow_once(swapped, Milliseconds(0));
  ASSERT_FALSE(round);
  EXPECT_EQ(round.error().code, ErrorCode::integrity_violated);
}

TEST_F(VerifierTest, TwoTokensWithOneDigestStopTheFeed) {
  const std::string text = make_text();
  feed_.add(item_of(text, 100));
  load();
  feed_.add(item_of(text, 101));
  const auto result = verifier_.follow(feed_, std::stop_source().get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::integrity_violated);
  clock_.advance(Milliseconds(1001));
  EXPECT_EQ(answer(text), "index_stale");
}

// A feed whose log is shorter than it was: somebody put an older database into its place.
class ShorterFeed final : public Feed {
 public:
  Result<Reached> load(const Sink&) override { return Reached{{{}, {1}}}; }
  Result<Reached> follow(const core::Position& after, Milliseconds, const Sink&) override {
    return Reached{{after.epoch, {after.revision.number - 1}}};
  }
};

TEST_F(VerifierTest, AFeedThatGoesBackConfirmsNothing) {
  const std::string text = make_text();
  feed_.add(item_of(text));
  load();
  const auto revision = verifier_.status().revision;
  ShorterFeed shorter;
  const auto result = verifier_.follow_once(shorter, Milliseconds(0));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::integrity_violated);
  EXPECT_EQ(verifier_.status().revision, revision);
  clock_.advance(Milliseconds(1001));
  EXPECT_EQ(answer(text), "index_stale");
}

TEST_F(VerifierTest, LoadGivesTheFeedsError) {
  feed_.fail(ErrorCode::integrity_violated, 1);
  EXPECT_EQ(verifier_.load(feed_).error().code, ErrorCode::integrity_violated);
  EXPECT_EQ(answer("x"), "index_stale");
  load();
}

TEST_F(VerifierTest, FollowRetriesUntilStopped) {
  const std::string text = make_text();
  load();
  feed_.fail(ErrorCode::store_unavailable, 3);
  std::jthread follower([&](std::stop_token stop) { EXPECT_TRUE(verifier_.follow(feed_, stop)); });
  const core::Revision revision = feed_.add(item_of(text));
  EXPECT_TRUE(verifier_.wait_for(revision, Milliseconds(5000)));
  EXPECT_EQ(answer(text), "ok");
  EXPECT_FALSE(verifier_.wait_for({revision.number + 1}, Milliseconds(1)));
  feed_.fail(ErrorCode::store_unavailable, 1'000'000);
  const auto begin = std::chrono::steady_clock::now();
  follower.request_stop();
  follower.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(VerifierTest, CheckAllocatesNothing) {
  const std::string text = make_text(), unknown = make_text();
  feed_.add(item_of(text));
  load();
  const ScopeRequirement two({scopes_for_test({2})}), nine({scopes_for_test({9})});
  const auto any = ScopeRequirement::any_token();
  const uint64_t before = allocations;
  int granted = 0;
  for (int i = 0; i < 100; ++i) {
    granted += check(text, two).has_value();
    granted += check(text, nine).has_value() + check(unknown, any).has_value();
    granted += check("malformed", any).has_value();
    granted += verifier_.check(text, fabrikam_, any, now()).has_value();
    granted += verifier_.find_organization("contoso") == contoso_;
    granted += verifier_.find_organization("a-name-longer-than-a-short-string").has_value();
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(granted, 200);
}

// Readers check while tokens are added, changed and revoked and shards grow. What was true before
// the threads began stays true throughout.
TEST_F(VerifierTest, ReadersDuringWritesAndGrowth) {
  std::vector<std::string> steady;
  for (uint64_t i = 0; i < 200; ++i) {
    steady.push_back(make_text());
    feed_.add(item_of(steady.back(), 1000 + i));
  }
  const std::string flipped = make_text();
  feed_.add(item_of(flipped, 999));
  load();
  std::atomic<bool> failed{false};
  std::vector<std::jthread> readers;
  for (size_t r = 0; r < 3; ++r) {
    readers.emplace_back([&, r](std::stop_token stop) {
      for (size_t i = r; !stop.stop_requested(); ++i) {
        const auto grant = check(steady[i % steady.size()]);
        if (!grant || grant->token() != id_for_test<core::TokenId>(1000 + i % steady.size()) ||
            grant->owner() != ada_) {
          failed = true;
        }
        const auto other = check(flipped);
        if (!other && other.error().code != ErrorCode::token_revoked) failed = true;
        if (!verifier_.find_organization("contoso")) failed = true;
      }
    });
  }
  Digest digest{};
  std::mt19937_64 random(1);
  for (uint64_t round = 0; round < 40; ++round) {
    for (uint64_t i = 0; i < 500; ++i) {
      for (size_t at = 0; at < 16; ++at) digest[at] = static_cast<uint8_t>(random());
      TokenItem item = item_of(flipped, 10'000 + round * 500 + i);
      item.digest = digest;
      item.scopes = scopes_for_test({static_cast<uint8_t>(i % 256)});
      feed_.add(item);
    }
    TokenItem item = item_of(flipped, 999);
    item.state = round % 2 == 0 ? core::TokenState::revoked : core::TokenState::live;
    feed_.add(item);
    feed_.add(OrganizationItem{fabrikam_, "fabrikam" + std::to_string(round), true});
    if (round % 10 == 9) feed_.fail(ErrorCode::feed_truncated, 1);
    follow();
  }
  readers.clear();
  EXPECT_FALSE(failed);
  EXPECT_EQ(verifier_.status().tokens, 20'201u);
}

}  // namespace
}  // namespace latchkey::verify
