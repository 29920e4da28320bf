#include "service/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "base/bytes.h"
#include "base/json.h"
#include "core/token_text.h"
#include "service/world_for_test.h"
#include "store/event_rows.h"

namespace latchkey::service {
namespace {

using core::Role;
using store::TokenFilter;
using store::TokenSort;
using testing::HasSubstr;
using testing::Not;

constexpr Milliseconds kDay = std::chrono::days(1);

template <class T>
ErrorCode code_of(const Result<T>& result) {
  // A success is no error: any code that a test does not expect will do.
  return result ? ErrorCode::configuration : result.error().code;
}

class TokensTest : public testing::Test {
 protected:
  core::CreateToken request(const std::string& name = "build") {
    return {.display_name = name, .scope = "vso.project", .valid_to = std::nullopt};
  }
  core::Token make(const Actor& actor, const std::string& name = "build") {
    return std::move(World::must(tokens.create(actor, organization, request(name))).value.token);
  }
  std::string secret_of(const IssuedToken& issued) {
    return std::string(issued.text.reveal(RevealSecret{}));
  }
  std::vector<std::string> names(const TokenList& list) {
    std::vector<std::string> found;
    for (const auto& row : list.rows) found.push_back(row.token.display_name);
    return found;
  }
  core::EventContext context_of(core::Revision revision) {
    core::EventContext context;
    World::check(world.store().read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(auto stored, store::find_event_context(tx, revision));
      context = stored->context;
      return {};
    }));
    return context;
  }

  World world;
  core::OrganizationId organization = world.add_organization("fabrikam");
  core::OrganizationId elsewhere = world.add_organization("contoso");
  Actor ada = world.member(organization, "ada", Role::reader);
  Actor bob = world.member(organization, "bob", Role::member);
  Actor admin = world.member(organization, "admin", Role::administrator);
  Tokens tokens{world.dependencies()};
};

TEST_F(TokensTest, CreateGivesTheTextOnceAndStoresItsDigestOnly) {
  const auto created = World::must(tokens.create(ada, organization, request()));
  const std::string text = secret_of(created.value);
  const auto parts = World::must(core::parse_token(world.provider, text));
  EXPECT_EQ(parts.key_id, world.digest_keys.current_id());
  const core::Token& token = created.value.token;
  EXPECT_EQ(token.digest, *world.digest_keys.digest_of(parts.key_id, text));
  EXPECT_EQ(token.owner, *ada.person());
  EXPECT_EQ(token.organization, organization);
  EXPECT_EQ(token.valid_from, world.clock.now());
  EXPECT_EQ(token.valid_to, world.clock.now() + 30 * kDay);

  const auto row = World::must(tokens.get(ada, organization, token.id));
  EXPECT_EQ(row.token.digest, token.digest);
  EXPECT_EQ(row.mac, core::token_row_mac(world.row_key(), row.token));
}

TEST_F(TokensTest, CreateAppendsOneEventWithItsOwnRevision) {
  const auto before = world.store().head().revision;
  const auto created = World::must(tokens.create(ada, organization, request("night build")));
  const auto events = world.events_after(before);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].revision, created.revision);
  const core::EventDraft& draft = events[0].draft;
  EXPECT_EQ(draft.action, core::Action::token_created);
  EXPECT_EQ(draft.actor, ada.person());
  EXPECT_EQ(draft.organization, organization);
  ASSERT_EQ(draft.subjects.size(), 1u);
  EXPECT_EQ(draft.subjects[0],
            (core::Subject{core::SubjectKind::token, created.value.token.id.uuid}));
  EXPECT_THAT(draft.data, HasSubstr(R"("scope":"vso.project")"));
  EXPECT_THAT(draft.data, Not(HasSubstr("night build")));
  const auto context = context_of(created.revision);
  EXPECT_EQ(context.names, R"({"DisplayName":"night build"})");
  EXPECT_EQ(context.mechanism, "session");
  EXPECT_EQ(context.address, "192.0.2.1");
}

TEST_F(TokensTest, NoFileOfTheStoreHoldsAText) {
  auto created = World::must(tokens.create(ada, organization, request()));
  auto again =
      World::must(tokens.regenerate(ada, organization, created.value.token.id, std::nullopt));
  for (const auto& file : std::filesystem::recursive_directory_iterator(world.folder())) {
    if (!file.is_regular_file()) continue;
    std::ifstream stream(file.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    // A part is as bad as the whole.
    EXPECT_EQ(bytes.find(secret_of(created.value).substr(0, 20)), std::string::npos) << file.path();
    EXPECT_EQ(bytes.find(secret_of(again.value).substr(0, 20)), std::string::npos) << file.path();
  }
}

TEST_F(TokensTest, CreateRefusesWhatTheRulesRefuse) {
  const auto refused = [&](const core::CreateToken& asked) {
    const auto before = world.store().head().revision;
    const auto result = tokens.create(ada, organization, asked);
    EXPECT_EQ(world.store().head().revision, before);
    return code_of(result);
  };
  auto asked = request();
  asked.display_name = " ";
  EXPECT_EQ(refused(asked), ErrorCode::pat_display_name_required);
  asked.display_name = std::string(257, 'x');
  EXPECT_EQ(refused(asked), ErrorCode::pat_invalid_display_name);
  asked = request();
  asked.scope = "vso.nothing";
  EXPECT_EQ(refused(asked), ErrorCode::pat_invalid_scope);
  asked = request();
  asked.valid_to = world.clock.now();
  EXPECT_EQ(refused(asked), ErrorCode::pat_invalid_valid_to);
  asked = request();
  asked.all_organizations = true;
  EXPECT_EQ(refused(asked), ErrorCode::pat_global_blocked);
}

TEST_F(TokensTest, OnlyASessionManagesTokens) {
  const core::Token token = make(ada);
  const Actor by_token =
      ActorForTests::token({*ada.person(), token.id, organization, core::ScopeSet::all()});
  for (const Actor& actor : {by_token, ActorForTests::console()}) {
    const auto kind = ErrorCode::credential_kind_refused;
    EXPECT_EQ(code_of(tokens.create(actor, organization, request())), kind);
    EXPECT_EQ(code_of(tokens.get(actor, organization, token.id)), kind);
    EXPECT_EQ(code_of(tokens.list(actor, organization, {})), kind);
    EXPECT_EQ(code_of(tokens.update(actor, organization, token.id, {})), kind);
    EXPECT_EQ(code_of(tokens.regenerate(actor, organization, token.id, std::nullopt)), kind);
    EXPECT_EQ(code_of(tokens.revoke(actor, organization, token.id)), kind);
  }
  EXPECT_EQ(code_of(tokens.revoke_as_administrator(by_token, organization, token.id)),
            ErrorCode::credential_kind_refused);
}

TEST_F(TokensTest, NobodyReachesAnotherPersonsToken) {
  const core::Token token = make(ada);
  // An administrator neither: they have a way of their own, which is on record as theirs.
  for (const Actor& actor : {bob, admin}) {
    const auto absent = ErrorCode::pat_authorization_not_found;
    EXPECT_EQ(code_of(tokens.get(actor, organization, token.id)), absent);
    EXPECT_EQ(code_of(tokens.update(actor, organization, token.id, {})), absent);
    EXPECT_EQ(code_of(tokens.regenerate(actor, organization, token.id, std::nullopt)), absent);
    EXPECT_EQ(code_of(tokens.revoke(actor, organization, token.id)), absent);
    EXPECT_TRUE(World::must(tokens.list(actor, organization, {})).rows.empty());
  }
  EXPECT_EQ(World::must(tokens.get(ada, organization, token.id)).token.state,
            core::TokenState::live);
}

TEST_F(TokensTest, AnAbsentTokenAndAnotherPersonsAreToldAlike) {
  const core::Token token = make(ada);
  const auto others = tokens.get(bob, organization, token.id);
  const auto absent = tokens.get(bob, organization, core::TokenId{Uuid{{1, 2, 3}}});
  ASSERT_FALSE(others);
  ASSERT_FALSE(absent);
  EXPECT_EQ(others.error().code, absent.error().code);
  EXPECT_EQ(others.error().message, absent.error().message);
}

TEST_F(TokensTest, ATokenOfAnotherOrganizationIsNotFound) {
  const core::Token token = make(ada);
  world.set_role(elsewhere, *ada.person(), Role::owner);
  EXPECT_EQ(code_of(tokens.get(ada, elsewhere, token.id)), ErrorCode::pat_authorization_not_found);
  EXPECT_EQ(code_of(tokens.revoke(ada, elsewhere, token.id)),
            ErrorCode::pat_authorization_not_found);
  EXPECT_EQ(code_of(tokens.revoke_as_administrator(ada, elsewhere, token.id)),
            ErrorCode::pat_authorization_not_found);
  EXPECT_TRUE(World::must(tokens.list(ada, elsewhere, {})).rows.empty());
}

TEST_F(TokensTest, WhoIsNoMemberSeesNoOrganization) {
  const core::Token token = make(ada);
  const auto unknown = ErrorCode::organization_unknown;
  EXPECT_EQ(code_of(tokens.create(ada, elsewhere, request())), unknown);
  EXPECT_EQ(code_of(tokens.list(ada, elsewhere, {})), unknown);
  world.remove_member(organization, *ada.person());
  EXPECT_EQ(code_of(tokens.get(ada, organization, token.id)), unknown);
  EXPECT_EQ(code_of(tokens.revoke(ada, organization, token.id)), unknown);
  world.set_role(organization, *ada.person(), Role::reader);
  world.set_person_state(*ada.person(), core::PersonState::disabled);
  EXPECT_EQ(code_of(tokens.create(ada, organization, request())), unknown);
  world.set_person_state(*ada.person(), core::PersonState::active);
  world.delete_organization(organization);
  EXPECT_EQ(code_of(tokens.list(ada, organization, {})), unknown);
}

TEST_F(TokensTest, UpdateChangesWhatIsGivenAndSaysWhich) {
  const core::Token token = make(ada, "old name");
  core::UpdateToken change;
  change.display_name = "new name";
  change.valid_to = token.valid_to + kDay;
  const auto updated = World::must(tokens.update(ada, organization, token.id, change));
  EXPECT_EQ(updated.value.display_name, "new name");
  EXPECT_EQ(updated.value.scope, token.scope);
  EXPECT_EQ(updated.value.digest, token.digest);
  EXPECT_EQ(World::must(tokens.get(ada, organization, token.id)).token.display_name, "new name");

  const auto events = world.events_after({updated.revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::token_updated);
  EXPECT_THAT(events[0].draft.data, HasSubstr(R"("changed":["displayName","validTo"])"));
  EXPECT_THAT(events[0].draft.data, HasSubstr(R"("validTo":"2026-04-01T12:00:00Z")"));
  EXPECT_THAT(events[0].draft.data, Not(HasSubstr("new name")));
  EXPECT_THAT(events[0].draft.data, Not(HasSubstr("old name")));
  EXPECT_EQ(context_of(updated.revision).names,
            R"({"DisplayName":"new name","PreviousDisplayName":"old name"})");
}

TEST_F(TokensTest, AnUpdateThatChangesNothingAppendsNothing) {
  const core::Token token = make(ada);
  const auto before = world.store().head().revision;
  core::UpdateToken change;
  change.display_name = token.display_name;
  const auto updated = World::must(tokens.update(ada, organization, token.id, change));
  EXPECT_EQ(updated.revision, before);
  EXPECT_EQ(world.store().head().revision, before);
}

TEST_F(TokensTest, ExpiredAndRevokedTokensAreNotChanged) {
  const core::Token revoked = make(ada, "revoked");
  World::must(tokens.revoke(ada, organization, revoked.id));
  const core::Token expired = make(ada, "expired");
  world.clock.set(expired.valid_to);
  core::UpdateToken change;
  change.valid_to = world.clock.now() + kDay;
  EXPECT_EQ(code_of(tokens.update(ada, organization, revoked.id, change)),
            ErrorCode::pat_failed_to_update);
  EXPECT_EQ(code_of(tokens.regenerate(ada, organization, revoked.id, std::nullopt)),
            ErrorCode::pat_failed_to_update);
  EXPECT_EQ(code_of(tokens.update(ada, organization, expired.id, change)),
            ErrorCode::pat_expired_cannot_be_extended);
  EXPECT_EQ(code_of(tokens.regenerate(ada, organization, expired.id, std::nullopt)),
            ErrorCode::pat_expired_cannot_be_extended);
}

TEST_F(TokensTest, RegenerateReplacesTheSecretOfTheSameRecord) {
  const auto created = World::must(tokens.create(ada, organization, request()));
  const core::Token& token = created.value.token;
  world.clock.advance(kDay);
  const auto again = World::must(tokens.regenerate(ada, organization, token.id, std::nullopt));
  EXPECT_EQ(again.value.token.id, token.id);
  EXPECT_EQ(again.value.token.scope, token.scope);
  EXPECT_EQ(again.value.token.valid_from, token.valid_from);
  EXPECT_EQ(again.value.token.valid_to, token.valid_to);
  EXPECT_EQ(again.value.token.generation, token.generation + 1);
  EXPECT_NE(secret_of(again.value), secret_of(created.value));
  EXPECT_NE(again.value.token.digest, token.digest);

  const auto events = world.events_after({again.revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::token_regenerated);
  EXPECT_THAT(events[0].draft.data,
              HasSubstr(R"("retiredDigest":")" + format_hex(token.digest) + '"'));
}

TEST_F(TokensTest, RegenerateTakesANewExpiryWithinTheRules) {
  const core::Token token = make(ada);
  const Instant later = token.valid_to + 5 * kDay;
  EXPECT_EQ(World::must(tokens.regenerate(ada, organization, token.id, later)).value.token.valid_to,
            later);
  const Instant too_late = core::latest_expiry(world.clock.now()) + Milliseconds(1);
  EXPECT_EQ(code_of(tokens.regenerate(ada, organization, token.id, too_late)),
            ErrorCode::pat_invalid_valid_to);
}

TEST_F(TokensTest, RevokingTwiceIsNoErrorAndOneEvent) {
  const core::Token token = make(ada);
  const auto first = World::must(tokens.revoke(ada, organization, token.id));
  world.clock.advance(kDay);
  const auto second = World::must(tokens.revoke(ada, organization, token.id));
  EXPECT_EQ(first.value.state, core::TokenState::revoked);
  EXPECT_EQ(second.value.revoked_at, first.value.revoked_at);
  EXPECT_EQ(second.revision, first.revision);
  EXPECT_EQ(world.store().head().revision, first.revision);
}

TEST_F(TokensTest, WhoHasTheTextRevokesOnceAndLeavesOneEvent) {
  const auto issued = World::must(tokens.create(ada, organization, request()));
  const RequestOrigin origin{"198.51.100.7", "curl/8", "r"};
  const auto first = World::must(tokens.revoke_by_holder(issued.value.text, origin));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->value.state, core::TokenState::revoked);
  const auto events = world.events_after(issued.revision);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::token_revoked);
  EXPECT_EQ(events[0].draft.actor, std::nullopt);
  EXPECT_THAT(events[0].draft.data, HasSubstr(R"("by":"holder")"));
  EXPECT_EQ(context_of(first->revision).address, "198.51.100.7");
  EXPECT_EQ(context_of(first->revision).mechanism, "PAT");
  EXPECT_FALSE(World::must(tokens.revoke_by_holder(issued.value.text, origin)).has_value());
  EXPECT_EQ(world.store().head().revision, first->revision);
}

TEST_F(TokensTest, NothingButTheExactTextRevokesForItsHolder) {
  auto issued = World::must(tokens.create(ada, organization, request()));
  const std::string old_text = secret_of(issued.value);
  const core::TokenId id = issued.value.token.id;
  issued = World::must(tokens.regenerate(ada, organization, id, std::nullopt));
  const auto head = world.store().head().revision;
  const std::string text = secret_of(issued.value);
  for (const std::string& wrong : {old_text, text.substr(1), text + "A", core::format_id(id),
                                   std::string(), std::string("x"), std::string(84, 'A')}) {
    const auto revoked = World::must(tokens.revoke_by_holder(SecretText(wrong), {}));
    EXPECT_FALSE(revoked.has_value()) << wrong.size();
  }
  EXPECT_EQ(world.store().head().revision, head);
  EXPECT_EQ(World::must(tokens.get(ada, organization, id)).token.state, core::TokenState::live);
}

TEST_F(TokensTest, AHolderRevokesWhatHasExpiredOrHasNoOwnerNow) {
  const auto issued = World::must(tokens.create(bob, organization, request()));
  world.remove_member(organization, *bob.person());
  world.clock.set(issued.value.token.valid_to);
  EXPECT_TRUE(World::must(tokens.revoke_by_holder(issued.value.text, {})).has_value());
}

// A row that was written past the server is not signed anew on somebody's word.
TEST_F(TokensTest, AHolderRevokesNoRowFromOutside) {
  const auto issued = World::must(tokens.create(ada, organization, request()));
  World::check(world.store().write_aside([&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run("UPDATE tokens SET scope = 'app_token'"));
    return {};
  }));
  EXPECT_FALSE(World::must(tokens.revoke_by_holder(issued.value.text, {})).has_value());
}

TEST_F(TokensTest, HoldersAreBoundedPerAddress) {
  const RequestOrigin here{"198.51.100.7", "", ""};
  for (int i = 0; i < 100; ++i) World::must(tokens.revoke_by_holder(SecretText("x"), here));
  EXPECT_EQ(code_of(tokens.revoke_by_holder(SecretText("x"), here)), ErrorCode::too_many_attempts);
  World::must(tokens.revoke_by_holder(SecretText("x"), {"198.51.100.8", "", ""}));
  world.clock.advance(Milliseconds(100));
  World::must(tokens.revoke_by_holder(SecretText("x"), here));
}

TEST_F(TokensTest, AnExpiredTokenCanBeRevoked) {
  const core::Token token = make(ada);
  world.clock.set(token.valid_to);
  EXPECT_EQ(World::must(tokens.revoke(ada, organization, token.id)).value.state,
            core::TokenState::revoked);
}

TEST_F(TokensTest, AnAdministratorRevokesAnybodysToken) {
  const core::Token token = make(ada);
  EXPECT_EQ(code_of(tokens.revoke_as_administrator(bob, organization, token.id)),
            ErrorCode::permission_denied);
  EXPECT_EQ(code_of(tokens.revoke_as_administrator(ada, organization, token.id)),
            ErrorCode::permission_denied);
  const auto revoked = World::must(tokens.revoke_as_administrator(admin, organization, token.id));
  EXPECT_EQ(revoked.value.state, core::TokenState::revoked);
  const auto events = world.events_after({revoked.revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.actor, admin.person());
  EXPECT_THAT(events[0].draft.data,
              HasSubstr(R"("owner":")" + core::format_id(*ada.person()) + '"'));
  const core::Token other = make(bob);
  EXPECT_TRUE(tokens.revoke_as_administrator(ActorForTests::console(), organization, other.id));
}

TEST_F(TokensTest, SelfTellsATokenAboutItself) {
  const core::Token token = make(ada);
  const auto self = World::must(
      tokens.self(ActorForTests::token({*ada.person(), token.id, organization, core::ScopeSet()})));
  EXPECT_EQ(self.token.id, token.id);
  EXPECT_EQ(self.owner.display_name, "ada");
  EXPECT_EQ(self.organization.name, "fabrikam");
  EXPECT_EQ(code_of(tokens.self(ada)), ErrorCode::credential_kind_refused);
}

TEST_F(TokensTest, ListFiltersByStatus) {
  const core::Token revoked = make(ada, "revoked");
  World::must(tokens.revoke(ada, organization, revoked.id));
  const core::Token expired = make(ada, "expired");
  world.clock.set(expired.valid_to);
  make(ada, "active");
  const auto listed = [&](TokenFilter filter) {
    TokenListQuery query;
    query.filter = filter;
    query.sort = TokenSort::display_name;
    query.direction = store::SortDirection::ascending;
    return names(World::must(tokens.list(ada, organization, query)));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(listed(TokenFilter::active), Names({"active"}));
  EXPECT_EQ(listed(TokenFilter::expired), Names({"expired"}));
  EXPECT_EQ(listed(TokenFilter::revoked), Names({"revoked"}));
  EXPECT_EQ(listed(TokenFilter::all), Names({"active", "expired", "revoked"}));
}

TEST_F(TokensTest, ListChecksItsBounds) {
  TokenListQuery query;
  for (const int top : {0, 101, -1}) {
    query.top = top;
    const auto result = tokens.list(ada, organization, query);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(result.error().field, "$top");
  }
  query.top = 100;
  query.search = std::string(257, 'x');
  EXPECT_EQ(code_of(tokens.list(ada, organization, query)), ErrorCode::invalid_argument);
  query.search = "\xff";
  EXPECT_EQ(code_of(tokens.list(ada, organization, query)), ErrorCode::invalid_argument);
}

TEST_F(TokensTest, PagesGiveEveryTokenOnceInEveryOrder) {
  for (int i = 0; i < 7; ++i) {
    make(ada, "token " + std::to_string(i % 3));
    world.clock.advance(Milliseconds(i % 2));
  }
  for (const auto sort : {TokenSort::display_name, TokenSort::created, TokenSort::status,
                          TokenSort::expires, TokenSort::last_used}) {
    for (const auto direction :
         {store::SortDirection::ascending, store::SortDirection::descending}) {
      TokenListQuery query;
      query.sort = sort;
      query.direction = direction;
      query.top = 100;
      const auto whole = World::must(tokens.list(ada, organization, query));
      ASSERT_EQ(whole.rows.size(), 7u);
      EXPECT_EQ(whole.continuation_token, "");
      query.top = 3;
      std::vector<core::TokenId> paged;
      for (int pages = 0; pages < 3; ++pages) {
        const auto page = World::must(tokens.list(ada, organization, query));
        for (const auto& row : page.rows) paged.push_back(row.token.id);
        query.continuation_token = page.continuation_token;
        EXPECT_EQ(page.continuation_token.empty(), pages == 2);
      }
      ASSERT_EQ(paged.size(), 7u);
      for (size_t i = 0; i < 7; ++i) EXPECT_EQ(paged[i], whole.rows[i].token.id);
    }
  }
}

class ContinuationTest : public TokensTest {
 protected:
  ContinuationTest() {
    for (int i = 0; i < 3; ++i) make(ada, "token " + std::to_string(i));
    for (int i = 0; i < 3; ++i) make(bob, "token " + std::to_string(i));
    query.top = 1;
    const auto page = World::must(tokens.list(ada, organization, query));
    query.continuation_token = page.continuation_token;
  }
  void expect_refused(const Actor& actor, core::OrganizationId where, const TokenListQuery& asked) {
    const auto result = tokens.list(actor, where, asked);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(result.error().field, "continuationToken");
  }
  TokenListQuery query;
};

TEST_F(ContinuationTest, IsTakenByItsOwnListOnly) {
  EXPECT_TRUE(tokens.list(ada, organization, query));
  auto other = query;
  other.top = 2;  // the size of a page may change
  EXPECT_TRUE(tokens.list(ada, organization, other));

  expect_refused(bob, organization, query);
  world.set_role(elsewhere, *ada.person(), Role::reader);
  expect_refused(ada, elsewhere, query);
  other = query;
  other.filter = TokenFilter::all;
  expect_refused(ada, organization, other);
  other = query;
  other.sort = TokenSort::display_name;
  expect_refused(ada, organization, other);
  other = query;
  other.direction = store::SortDirection::ascending;
  expect_refused(ada, organization, other);
  other = query;
  other.search = "token";
  expect_refused(ada, organization, other);
}

TEST_F(ContinuationTest, CannotBeForged) {
  const auto bytes = parse_base64url(query.continuation_token);
  ASSERT_TRUE(bytes);
  for (size_t i = 0; i < bytes->size(); ++i) {
    Bytes forged = *bytes;
    forged[i] ^= 1;
    query.continuation_token = format_base64url(forged);
    expect_refused(ada, organization, query);
  }
  for (const size_t size : {size_t{1}, size_t{16}, size_t{32}, bytes->size() - 1}) {
    query.continuation_token = format_base64url(std::span(*bytes).first(size));
    expect_refused(ada, organization, query);
  }
  for (const char* text : {"x", "%", "a b", "===="}) {
    query.continuation_token = text;
    expect_refused(ada, organization, query);
  }
  query.continuation_token = std::string(100'000, 'A');
  expect_refused(ada, organization, query);
}

TEST_F(ContinuationTest, HoldsNoNameOfAPerson) {
  const auto bytes = parse_base64url(query.continuation_token);
  const std::string text(bytes->begin(), bytes->end());
  EXPECT_THAT(text, Not(HasSubstr("ada")));
  const auto owner = ada.person()->uuid.bytes;
  EXPECT_EQ(std::search(bytes->begin(), bytes->end(), owner.begin(), owner.end()), bytes->end());
}

TEST_F(TokensTest, FailingRandomnessMakesNothing) {
  const core::Token token = make(ada);
  const auto before = world.store().head().revision;
  world.entropy.fails = true;
  EXPECT_EQ(code_of(tokens.create(ada, organization, request())), ErrorCode::internal);
  EXPECT_EQ(code_of(tokens.regenerate(ada, organization, token.id, std::nullopt)),
            ErrorCode::internal);
  world.entropy.fails = false;
  EXPECT_EQ(world.store().head().revision, before);
  EXPECT_EQ(World::must(tokens.get(ada, organization, token.id)).token.digest, token.digest);
  EXPECT_EQ(World::must(tokens.list(ada, organization, {})).rows.size(), 1u);
}

TEST_F(TokensTest, ARepeatedTextMakesNothing) {
  const core::Token other = make(ada, "other");
  world.entropy.repeats = true;
  const core::Token token = make(ada);
  const auto before = world.store().head().revision;
  EXPECT_EQ(code_of(tokens.create(ada, organization, request())), ErrorCode::internal);
  EXPECT_EQ(code_of(tokens.regenerate(ada, organization, token.id, std::nullopt)),
            ErrorCode::internal);
  EXPECT_EQ(code_of(tokens.regenerate(ada, organization, other.id, std::nullopt)),
            ErrorCode::internal);
  EXPECT_EQ(world.store().head().revision, before);
}

// Fails the n-th call of the engine, alone or with all after it, for n = 1, 2, ... until the change
// goes through: each failed try leaves the tokens and the log as they were.
class FaultTest : public TokensTest {
 protected:
  struct State {
    core::Revision revision;
    std::vector<Digest> macs;
    friend bool operator==(const State&, const State&) = default;
  };
  State state() {
    State now{world.store().head().revision, {}};
    World::check(world.store().read([&](store::ReadTx& tx) -> Result<void> {
      now.macs.clear();
      return store::for_each_token(tx, [&](const store::TokenRow& row) -> Result<void> {
        EXPECT_EQ(row.mac, core::token_row_mac(world.row_key(), row.token));
        now.macs.push_back(row.mac);
        return {};
      });
    }));
    return now;
  }
  // `change` says whether it succeeded. REQUIRES: it can succeed many times.
  void fail_each_call_of(const std::function<bool()>& change) {
    using Moment = store::Fault::Moment;
    for (const auto& [times, moment] :
         {std::pair{int64_t{1}, Moment::before}, std::pair{int64_t{1}, Moment::after},
          std::pair{int64_t{1'000}, Moment::before}}) {
      int64_t nth = 0;
      for (int64_t calls = 1; nth < calls;) {
        ++nth;
        const State before = state();
        const int64_t calls_before = world.fault().calls();
        world.fault().arm(nth, times, moment);
        const bool changed = change();
        world.fault().disarm();
        calls = world.fault().calls() - calls_before;
        EXPECT_EQ(state() != before, changed) << "at call " << nth;
      }
      EXPECT_GT(nth, 5);
    }
    EXPECT_TRUE(store::verify_audit(world.store(), {}));
  }
};

TEST_F(FaultTest, CreateIsWholeOrNotAtAll) {
  fail_each_call_of([&] { return tokens.create(ada, organization, request()).has_value(); });
}

TEST_F(FaultTest, UpdateIsWholeOrNotAtAll) {
  const core::Token token = make(ada);
  int renames = 0;
  fail_each_call_of([&] {
    core::UpdateToken change;
    change.display_name = "renamed " + std::to_string(++renames);
    return tokens.update(ada, organization, token.id, change).has_value();
  });
}

TEST_F(FaultTest, RegenerateIsWholeOrNotAtAll) {
  const core::Token token = make(ada);
  fail_each_call_of(
      [&] { return tokens.regenerate(ada, organization, token.id, std::nullopt).has_value(); });
}

TEST_F(FaultTest, RevokeIsWholeOrNotAtAll) {
  std::vector<core::TokenId> live;
  for (int i = 0; i < 100; ++i) live.push_back(make(ada).id);
  fail_each_call_of([&] {
    const bool revoked = tokens.revoke(ada, organization, live.back()).has_value();
    if (revoked) live.pop_back();
    return revoked;
  });
}

TEST_F(FaultTest, AReadThatFailsSaysSo) {
  const core::Token token = make(ada);
  world.fault().arm(1, 1'000);
  EXPECT_EQ(code_of(tokens.get(ada, organization, token.id)), ErrorCode::store_unavailable);
  EXPECT_EQ(code_of(tokens.list(ada, organization, {})), ErrorCode::store_unavailable);
  world.fault().disarm();
}

// A changed row is refused by the index; no later change of the token may sign it.
TEST(Tokens, ARowThatWasChangedFromOutsideIsNeverSigned) {
  World world;
  const auto organization = world.add_organization("fabrikam");
  const Actor ada = world.member(organization, "ada", core::Role::owner);
  Tokens tokens(world.dependencies());
  core::CreateToken create;
  create.display_name = "build";
  create.scope = "vso.project";
  const auto id = World::must(tokens.create(ada, organization, create)).value.token.id;
  World::check(world.store().write_aside([](store::WriteTx& tx) {
    return tx.connection().run_script("UPDATE tokens SET scope = 'app_token'");
  }));
  const auto head = world.store().head().revision;
  core::UpdateToken rename;
  rename.display_name = "renamed";
  const auto expect_refused = [](const auto& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::integrity_violated);
  };
  expect_refused(tokens.update(ada, organization, id, rename));
  expect_refused(tokens.regenerate(ada, organization, id, {}));
  expect_refused(tokens.revoke(ada, organization, id));
  expect_refused(tokens.revoke_as_administrator(ada, organization, id));
  EXPECT_EQ(world.store().head().revision, head);
}

}  // namespace
}  // namespace latchkey::service
