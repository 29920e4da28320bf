#include "core/lifecycle.h"

#include <gtest/gtest.h>

#include "core/vectors_for_test.h"

namespace latchkey::core {
namespace {

constexpr Instant kNow{1'795'000'000'000};

const ScopeCatalog& catalog() {
  static const ScopeCatalog built_in = ScopeCatalog::built_in();
  return built_in;
}

const json::value& vectors() {
  static const json::value document = load_vectors("expiry.json");
  return document;
}

CreateToken some_request() {
  CreateToken request;
  request.display_name = "build";
  request.scope = "vso.work vso.code";
  request.valid_to = kNow + std::chrono::hours(24);
  return request;
}

NewTokenFacts some_facts() {
  NewTokenFacts facts;
  facts.id.uuid.bytes[0] = 1;
  facts.organization.uuid.bytes[0] = 2;
  facts.owner.uuid.bytes[0] = 3;
  facts.key_id = {{'b', '7'}};
  facts.digest[0] = 4;
  return facts;
}

Token some_token() {
  auto token = decide_create(catalog(), some_request(), some_facts(), kNow);
  LK_ASSERT(token.has_value());
  return *std::move(token);
}

// The code of a refusal, and that it names `field`; `none` when there was no refusal.
template <class T>
std::string refusal(const Result<T>& result) {
  if (result) return "none";
  return std::string(error_name(result.error().code)) + "/" + result.error().field;
}

std::string refusal_of_name(const std::string& name) {
  CreateToken request = some_request();
  request.display_name = name;
  return refusal(decide_create(catalog(), request, some_facts(), kNow));
}

TEST(Expiry, DaysAreTimes24Hours) {
  for (const json::value& vector : cases(vectors(), "days")) {
    const Instant valid_to = expiry_after_days(instant_of(vector, "now"),
                                               static_cast<unsigned>(number_of(vector, "days")));
    EXPECT_EQ(format_date_time(valid_to), text_of(vector, "validTo"));
  }
}

TEST(Expiry, AChosenDayIsItsEnd) {
  for (const json::value& vector : cases(vectors(), "chosenDay")) {
    const auto day = parse_day(text_of(vector, "day"));
    ASSERT_TRUE(day.has_value());
    EXPECT_EQ(format_date_time(end_of_day(*day)), text_of(vector, "validTo"));
  }
}

TEST(Expiry, TheLatestIsTheSameDayNextYear) {
  for (const json::value& vector : cases(vectors(), "latest")) {
    EXPECT_EQ(format_date_time(latest_expiry(instant_of(vector, "now"))),
              text_of(vector, "latest"));
  }
}

TEST(Expiry, TextsAreReadAndWritten) {
  for (const json::value& vector : cases(vectors(), "texts")) {
    EXPECT_EQ(format_date_time(instant_of(vector, "text")), text_of(vector, "utc"));
  }
  for (const json::value& text : cases(vectors(), "badTexts")) {
    EXPECT_FALSE(parse_date_time(as_text(text)).has_value()) << as_text(text);
  }
}

TEST(Expiry, IsDecidedAlikeByCreateUpdateAndRegenerate) {
  for (const json::value& vector : cases(vectors(), "decide")) {
    const Instant now = instant_of(vector, "now");
    const Instant valid_to = instant_of(vector, "validTo");
    const std::string expected =
        member(vector, "accepted").as_bool() ? "none" : "pat_invalid_valid_to/validTo";
    Token token = some_token();
    token.valid_to = now + std::chrono::hours(1);
    CreateToken request = some_request();
    request.valid_to = valid_to;
    UpdateToken update;
    update.valid_to = valid_to;
    const std::string name = text_of(vector, "name");
    EXPECT_EQ(refusal(decide_create(catalog(), request, some_facts(), now)), expected) << name;
    EXPECT_EQ(refusal(decide_update(catalog(), token, update, now)), expected) << name;
    EXPECT_EQ(refusal(decide_regenerate(token, valid_to, NewSecret{}, now)), expected) << name;
  }
}

TEST(DecideCreate, MakesALiveTokenOfWhatWasAsked) {
  const Token token = some_token();
  const NewTokenFacts facts = some_facts();
  EXPECT_EQ(token.id, facts.id);
  EXPECT_EQ(token.organization, facts.organization);
  EXPECT_EQ(token.owner, facts.owner);
  EXPECT_EQ(token.key_id, facts.key_id);
  EXPECT_EQ(token.digest, facts.digest);
  EXPECT_EQ(token.display_name, "build");
  EXPECT_EQ(token.scope, "vso.code vso.work");
  EXPECT_EQ(token.valid_from, kNow);
  EXPECT_EQ(token.valid_to, kNow + std::chrono::hours(24));
  EXPECT_EQ(token.state, TokenState::live);
  EXPECT_EQ(token.revoked_at, std::nullopt);
  EXPECT_EQ(token.generation, 1u);
}

TEST(DecideCreate, GivesThirtyDaysWhenNoneIsAsked) {
  CreateToken request = some_request();
  request.valid_to.reset();
  const auto token = decide_create(catalog(), request, some_facts(), kNow);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->valid_to - token->valid_from, std::chrono::hours(30 * 24));
}

TEST(DecideCreate, TrimsTheName) {
  CreateToken request = some_request();
  request.display_name = " \t build agent  ";
  const auto token = decide_create(catalog(), request, some_facts(), kNow);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->display_name, "build agent");
}

TEST(DecideCreate, ChecksTheName) {
  const std::string required = "pat_display_name_required/displayName";
  const std::string invalid = "pat_invalid_display_name/displayName";
  EXPECT_EQ(refusal_of_name(""), required);
  EXPECT_EQ(refusal_of_name(" "), required);
  EXPECT_EQ(refusal_of_name("\t \t"), required);
  EXPECT_EQ(refusal_of_name("x"), "none");
  EXPECT_EQ(refusal_of_name(std::string(256, 'x')), "none");
  EXPECT_EQ(refusal_of_name(std::string(257, 'x')), invalid);
  EXPECT_EQ(refusal_of_name("  " + std::string(256, 'x') + "  "), "none");
  std::string two_byte_characters;
  for (int i = 0; i < 256; ++i) two_byte_characters += "\xc3\xa9";
  EXPECT_EQ(refusal_of_name(two_byte_characters), "none");
  EXPECT_EQ(refusal_of_name(two_byte_characters + "x"), invalid);
  EXPECT_EQ(refusal_of_name("a\nb"), invalid);
  EXPECT_EQ(refusal_of_name("a\tb"), invalid);
  EXPECT_EQ(refusal_of_name(std::string("a\0b", 3)), invalid);
  EXPECT_EQ(refusal_of_name("a\x7f"), invalid);
  EXPECT_EQ(refusal_of_name("a\xc2\x85"), invalid);
  EXPECT_EQ(refusal_of_name("a\xe2\x80\xa8"), invalid);
  EXPECT_EQ(refusal_of_name("a\xff"), invalid);
  EXPECT_EQ(refusal_of_name("git: https://example.org/fabrikam on \"PC\" <1>"), "none");
}

TEST(DecideCreate, RefusesBadScopesAndAllOrganizations) {
  CreateToken request = some_request();
  request.scope = "vso.nothing";
  EXPECT_EQ(refusal(decide_create(catalog(), request, some_facts(), kNow)),
            "pat_invalid_scope/scope");
  request = some_request();
  request.all_organizations = true;
  EXPECT_EQ(refusal(decide_create(catalog(), request, some_facts(), kNow)),
            "pat_global_blocked/allOrgs");
}

TEST(DecideUpdate, ChangesOnlyWhatIsGiven) {
  const Token token = some_token();
  const auto same = decide_update(catalog(), token, UpdateToken{}, kNow);
  ASSERT_TRUE(same.has_value());
  EXPECT_EQ(token_row_mac(Hmac(SecretKey({})), *same), token_row_mac(Hmac(SecretKey({})), token));

  UpdateToken update;
  update.display_name = " deploy ";
  update.scope = "app_token";
  update.valid_to = kNow + std::chrono::hours(48);
  const auto changed = decide_update(catalog(), token, update, kNow);
  ASSERT_TRUE(changed.has_value());
  Token expected = token;
  expected.display_name = "deploy";
  expected.scope = "app_token";
  expected.valid_to = kNow + std::chrono::hours(48);
  EXPECT_EQ(token_row_mac(Hmac(SecretKey({})), *changed),
            token_row_mac(Hmac(SecretKey({})), expected));
}

TEST(DecideUpdate, ChecksWhatIsGiven) {
  UpdateToken name, blank, scope, global;
  name.display_name = "a\nb";
  blank.display_name = " ";
  scope.scope = "";
  global.all_organizations = true;
  const auto of = [](const UpdateToken& update) {
    return refusal(decide_update(catalog(), some_token(), update, kNow));
  };
  EXPECT_EQ(of(name), "pat_invalid_display_name/displayName");
  EXPECT_EQ(of(blank), "pat_display_name_required/displayName");
  EXPECT_EQ(of(scope), "pat_invalid_scope/scope");
  EXPECT_EQ(of(global), "pat_global_blocked/allOrgs");
}

// An expired or revoked token is never changed, not even with an expiry that would revive it.
TEST(DecideUpdate, RefusesExpiredAndRevoked) {
  const Token token = some_token();
  UpdateToken revive;
  revive.valid_to = token.valid_to + std::chrono::hours(24);
  const Instant last = token.valid_to - Milliseconds(1);
  EXPECT_EQ(refusal(decide_update(catalog(), token, revive, last)), "none");
  EXPECT_EQ(refusal(decide_update(catalog(), token, revive, token.valid_to)),
            "pat_expired_cannot_be_extended/");
  EXPECT_EQ(refusal(decide_update(catalog(), token, UpdateToken{}, token.valid_to)),
            "pat_expired_cannot_be_extended/");
  const Token revoked = decide_revoke(token, kNow);
  EXPECT_EQ(refusal(decide_update(catalog(), revoked, revive, kNow)), "pat_failed_to_update/");
  EXPECT_EQ(refusal(decide_update(catalog(), revoked, revive, token.valid_to)),
            "pat_failed_to_update/");
}

TEST(DecideRegenerate, ChangesTheSecretAndKeepsTheRest) {
  const Token token = some_token();
  NewSecret secret;
  secret.key_id = {{'z', 'z'}};
  secret.digest[5] = 5;
  const auto changed = decide_regenerate(token, std::nullopt, secret, kNow + Milliseconds(1));
  ASSERT_TRUE(changed.has_value());
  Token expected = token;
  expected.key_id = secret.key_id;
  expected.digest = secret.digest;
  expected.generation = 2;
  EXPECT_EQ(token_row_mac(Hmac(SecretKey({})), *changed),
            token_row_mac(Hmac(SecretKey({})), expected));
  const auto again = decide_regenerate(*changed, kNow + std::chrono::hours(96), secret, kNow);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->generation, 3u);
  EXPECT_EQ(again->valid_to, kNow + std::chrono::hours(96));
  EXPECT_EQ(again->valid_from, token.valid_from);
}

TEST(DecideRegenerate, RefusesExpiredAndRevoked) {
  const Token token = some_token();
  const auto later = token.valid_to + std::chrono::hours(1);
  EXPECT_EQ(refusal(decide_regenerate(token, later, NewSecret{}, token.valid_to)),
            "pat_expired_cannot_be_extended/");
  EXPECT_EQ(refusal(decide_regenerate(decide_revoke(token, kNow), later, NewSecret{}, kNow)),
            "pat_failed_to_update/");
}

TEST(DecideRevoke, EndsTheTokenOnce) {
  const Token revoked = decide_revoke(some_token(), kNow + Milliseconds(5));
  EXPECT_EQ(revoked.state, TokenState::revoked);
  EXPECT_EQ(revoked.revoked_at, kNow + Milliseconds(5));
  EXPECT_EQ(decide_revoke(revoked, kNow + Milliseconds(9)).revoked_at, kNow + Milliseconds(5));
}

TEST(TokenStatusOf, EndsAtExactExpiry) {
  const Token token = some_token();
  EXPECT_EQ(token_status(token, token.valid_to - Milliseconds(1)), TokenStatus::active);
  EXPECT_EQ(token_status(token, token.valid_to), TokenStatus::expired);
  EXPECT_EQ(token_status(token, token.valid_to + Milliseconds(1)), TokenStatus::expired);
  const Token revoked = decide_revoke(token, kNow);
  EXPECT_EQ(token_status(revoked, kNow), TokenStatus::revoked);
  EXPECT_EQ(token_status(revoked, token.valid_to), TokenStatus::revoked);
}

}  // namespace
}  // namespace latchkey::core
