// Token rows: read back, unique, listed in pages by every sort, direction, filter and search.
#include <algorithm>
#include <random>
#include <set>

#include "base/text.h"
#include "contract.h"

namespace latchkey::store {
namespace {

class TokenContract : public StoreContract {
 protected:
  // 300 tokens with few different names, dates and uses, so that many keys are equal.
  void add_many() {
    add_owner();
    std::mt19937 random(7);
    const Instant start = world_.clock().now();
    std::vector<TokenUse> uses;
    for (int i = 0; i < 300; ++i) {
      core::Token token = make_token("Name " + std::string(1, "aBcD"[random() % 4]));
      token.valid_from = start + std::chrono::minutes(random() % 5);
      token.valid_to = start + std::chrono::days(1 + random() % 4);
      if (random() % 3 == 0) token.state = core::TokenState::revoked;
      tokens_.push_back({token, {}, {}, std::nullopt});
      if (random() % 2 == 0) {
        const core::LastUse use{start + std::chrono::hours(random() % 6), "192.0.2.9", "curl"};
        tokens_.back().last_use = use;
        uses.push_back({token.id, use});
      }
    }
    ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
      for (const TokenRow& row : tokens_) LK_CHECK(put_token(tx, row.token));
      return {};
    }));
    ASSERT_OK(store().write_aside([&](WriteTx& tx) { return upsert_last_uses(tx, uses); }));
    now_ = start + std::chrono::days(2);
  }

  int status(const TokenRow& row) const {
    if (row.token.state == core::TokenState::revoked) return 2;
    return row.token.valid_to <= now_ ? 1 : 0;
  }
  bool matches(const TokenRow& row, TokenFilter filter) const {
    switch (filter) {
      case TokenFilter::active: return status(row) == 0;
      case TokenFilter::expired: return status(row) == 1;
      case TokenFilter::revoked: return status(row) == 2;
      case TokenFilter::all: return true;
    }
    return false;
  }
  // What a row is sorted by, as a plain tuple.
  using Key = std::tuple<int64_t, std::string, core::TokenId>;
  Key key(const TokenRow& row, TokenSort sort) const {
    const std::string name = ascii_lower(row.token.display_name);
    switch (sort) {
      case TokenSort::display_name: return {0, name, row.token.id};
      case TokenSort::status: return {status(row), name, row.token.id};
      case TokenSort::created: return {row.token.valid_from.ms, "", row.token.id};
      case TokenSort::expires: return {row.token.valid_to.ms, "", row.token.id};
      case TokenSort::last_used: return {row.last_use ? row.last_use->at.ms : 0, "", row.token.id};
    }
    return {};
  }
  std::vector<core::TokenId> expected(const TokenQuery& query) const {
    std::vector<TokenRow> rows;
    for (const TokenRow& row : tokens_) {
      if (matches(row, query.filter)) rows.push_back(row);
    }
    std::sort(rows.begin(), rows.end(), [&](const TokenRow& a, const TokenRow& b) {
      return query.direction == SortDirection::ascending ? key(a, query.sort) < key(b, query.sort)
                                                         : key(b, query.sort) < key(a, query.sort);
    });
    std::vector<core::TokenId> ids;
    for (const TokenRow& row : rows) ids.push_back(row.token.id);
    return ids;
  }
  TokenQuery query() const {
    TokenQuery made;
    made.owner = owner_.person.id;
    made.organization = organization_.id;
    made.now = now_;
    made.filter = TokenFilter::all;
    return made;
  }
  // All pages of `query`; `between` runs after each.
  std::vector<core::TokenId> all_pages(TokenQuery query,
                                       const std::function<void()>& between = {}) {
    std::vector<core::TokenId> ids;
    for (int page = 0; page < 400; ++page) {
      const auto rows = read<TokenPage>([&](ReadTx& tx) { return list_tokens(tx, query); });
      EXPECT_LE(rows.rows.size(), static_cast<size_t>(query.limit));
      for (const TokenRow& row : rows.rows) ids.push_back(row.token.id);
      if (!rows.next) return ids;
      query.after = rows.next;
      if (between) between();
    }
    ADD_FAILURE() << "the pages do not end";
    return ids;
  }
  std::vector<std::string> search(std::string text) {
    TokenQuery made = query();
    made.search = std::move(text);
    made.sort = TokenSort::display_name;
    made.direction = SortDirection::ascending;
    std::vector<std::string> names;
    for (const TokenRow& row :
         read<TokenPage>([&](ReadTx& tx) { return list_tokens(tx, made); }).rows) {
      names.push_back(row.token.display_name);
    }
    return names;
  }

  std::vector<TokenRow> tokens_;
  Instant now_{};
};
LATCHKEY_CONTRACT(TokenContract);

TEST_P(TokenContract, IsReadBackWithEverything) {
  add_owner();
  core::Token token = make_token("Übersicht build");
  token.key_id.text = {'Z', '9'};
  token.generation = 3;
  ASSERT_OK(change([&](WriteTx& tx) { return put_token(tx, token); }));
  const auto find = [&] {
    return read<std::optional<TokenRow>>([&](ReadTx& tx) { return find_token(tx, token.id); });
  };
  const auto expect_same = [&](const TokenRow& row) {
    EXPECT_EQ(row.token.organization, token.organization);
    EXPECT_EQ(row.token.owner, token.owner);
    EXPECT_EQ(row.token.display_name, token.display_name);
    EXPECT_EQ(row.token.scope, token.scope);
    EXPECT_EQ(row.token.valid_from, token.valid_from);
    EXPECT_EQ(row.token.valid_to, token.valid_to);
    EXPECT_EQ(row.token.state, token.state);
    EXPECT_EQ(row.token.revoked_at, token.revoked_at);
    EXPECT_EQ(row.token.key_id, token.key_id);
    EXPECT_EQ(row.token.digest, token.digest);
    EXPECT_EQ(row.token.generation, token.generation);
    EXPECT_EQ(row.mac, core::token_row_mac(world_.row_key(), row.token));
  };
  ASSERT_TRUE(find());
  expect_same(*find());
  EXPECT_FALSE(find()->last_use);
  EXPECT_EQ(find()->revision.number, 2u);
  token.display_name = "new";
  token.scope = "app_token";
  token.valid_to = token.valid_to + Milliseconds(1);
  token.state = core::TokenState::revoked;
  token.revoked_at = Instant{123};
  token.key_id.text = {'A', 'B'};
  token.digest = new_digest();
  token.generation = 4;
  ASSERT_OK(change([&](WriteTx& tx) { return replace_token(tx, token); }));
  expect_same(*find());
  EXPECT_EQ(find()->revision.number, 3u);
  EXPECT_FALSE(
      read<std::optional<TokenRow>>([&](ReadTx& tx) { return find_token(tx, core::TokenId{}); }));
  ASSERT_OK(audit());
}

TEST_P(TokenContract, IsUniqueByIdAndDigest) {
  add_owner();
  const core::Token token = make_token("t");
  core::Token other = make_token("u");
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(put_token(tx, token));
    return put_token(tx, other);
  }));
  core::Token same_digest = make_token("v");
  same_digest.digest = token.digest;
  const auto by_digest = change([&](WriteTx& tx) { return put_token(tx, same_digest); });
  EXPECT_CODE(by_digest, already_exists);
  EXPECT_EQ(by_digest.error().field, "digest");
  core::Token same_id = make_token("v");
  same_id.id = token.id;
  const auto by_id = change([&](WriteTx& tx) { return put_token(tx, same_id); });
  EXPECT_CODE(by_id, already_exists);
  EXPECT_EQ(by_id.error().field, "id");
  other.digest = token.digest;
  EXPECT_CODE(change([&](WriteTx& tx) { return replace_token(tx, other); }), already_exists);
}

TEST_P(TokenContract, NeedsItsOwnerAndOrganization) {
  add_owner();
  core::Token token = make_token("t");
  token.owner = new_id<core::PersonId>();
  EXPECT_CODE(change([&](WriteTx& tx) { return put_token(tx, token); }), store_unavailable);
}

TEST_P(TokenContract, ListsEverySortDirectionAndFilterInPages) {
  add_many();
  for (const TokenSort sort : {TokenSort::display_name, TokenSort::created, TokenSort::status,
                               TokenSort::expires, TokenSort::last_used}) {
    for (const auto direction : {SortDirection::ascending, SortDirection::descending}) {
      for (const TokenFilter filter :
           {TokenFilter::active, TokenFilter::revoked, TokenFilter::expired, TokenFilter::all}) {
        for (const int limit : {7, 100, 1'000}) {
          SCOPED_TRACE(std::to_string(static_cast<int>(sort)) + " " +
                       std::to_string(static_cast<int>(direction)) + " " +
                       std::to_string(static_cast<int>(filter)) + " " + std::to_string(limit));
          TokenQuery one = query();
          one.sort = sort;
          one.direction = direction;
          one.filter = filter;
          one.limit = limit;
          const auto listed = all_pages(one);
          ASSERT_GT(listed.size(), 20u);
          ASSERT_EQ(listed, expected(one));
        }
      }
    }
  }
}

TEST_P(TokenContract, PagesStayWhileTokensAreAdded) {
  add_many();
  TokenQuery one = query();
  one.sort = TokenSort::display_name;
  one.limit = 13;
  const auto before = expected(one);
  const auto listed = all_pages(one, [&] {
    ASSERT_OK(change([&](WriteTx& tx) { return put_token(tx, make_token("zz late")); }));
  });
  EXPECT_EQ(listed,
            before);  // descending: what comes later sorts before the page, so it is not met
}

TEST_P(TokenContract, EndsWithoutAnEmptyPage) {
  add_owner();
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    for (int i = 0; i < 4; ++i) LK_CHECK(put_token(tx, make_token("t")));
    return {};
  }));
  TokenQuery one = query();
  one.limit = 4;
  EXPECT_FALSE(read<TokenPage>([&](ReadTx& tx) { return list_tokens(tx, one); }).next);
  one.limit = 2;
  EXPECT_TRUE(read<TokenPage>([&](ReadTx& tx) { return list_tokens(tx, one); }).next);
}

TEST_P(TokenContract, ListsOnlyThoseOfTheOwnerAndOrganization) {
  add_many();
  for (const bool other_owner : {true, false}) {
    for (const TokenSort sort : {TokenSort::created, TokenSort::last_used}) {
      TokenQuery one = query();
      one.sort = sort;
      if (other_owner) {
        one.owner = new_id<core::PersonId>();
      } else {
        one.organization = new_id<core::OrganizationId>();
      }
      EXPECT_TRUE(all_pages(one).empty());
    }
  }
}

TEST_P(TokenContract, SearchTakesEveryCharacterAsItself) {
  add_owner();
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    for (const char* name :
         {"100% sure", "100 sure", "snake_case", "snakeXcase", "back\\slash", "Build", "rebuild"}) {
      LK_CHECK(put_token(tx, make_token(name)));
    }
    return {};
  }));
  using Names = std::vector<std::string>;
  EXPECT_EQ(search("%"), (Names{"100% sure"}));
  EXPECT_EQ(search("_"), (Names{"snake_case"}));
  EXPECT_EQ(search("\\"), (Names{"back\\slash"}));
  EXPECT_EQ(search("BUILD"), (Names{"Build", "rebuild"}));
  EXPECT_EQ(search("'; --"), Names());
  EXPECT_EQ(search("").size(), 7u);
}

TEST_P(TokenContract, RefusesAPositionOfAnotherList) {
  add_many();
  for (const auto& [sort, key] : std::vector<std::pair<TokenSort, std::string>>{
           {TokenSort::created, "abc"},
           {TokenSort::expires, "-1"},
           {TokenSort::last_used, "99999999999999999999"},
           {TokenSort::created, "18446744073709551615"},
           {TokenSort::status, "3:x"},
           {TokenSort::status, ""},
           {TokenSort::status, "1"}}) {
    TokenQuery one = query();
    one.sort = sort;
    one.after.emplace(key, new_id<core::TokenId>());
    EXPECT_CODE(store().read([&](ReadTx& tx) -> Result<void> {
      LK_CHECK(list_tokens(tx, one));
      return {};
    }),
                invalid_argument);
  }
}

TEST_P(TokenContract, TheNewestUseWins) {
  add_owner();
  const core::Token token = make_token("t");
  ASSERT_OK(change([&](WriteTx& tx) { return put_token(tx, token); }));
  const auto use = [&](int64_t at, std::string address) {
    ASSERT_OK(store().write_aside([&](WriteTx& tx) {
      return upsert_last_uses(tx, {{token.id, {{at}, address, "agent"}},
                                   {new_id<core::TokenId>(), {{at}, "unknown", "agent"}}});
    }));
  };
  use(10, "first");
  use(30, "newest");
  use(20, "late news");
  const auto found =
      read<std::optional<TokenRow>>([&](ReadTx& tx) { return find_token(tx, token.id); });
  ASSERT_TRUE(found && found->last_use);
  EXPECT_EQ(found->last_use->at, Instant{30});
  EXPECT_EQ(found->last_use->address, "newest");
  EXPECT_EQ(found->last_use->user_agent, "agent");
  ASSERT_OK(audit());
}

TEST_P(TokenContract, VisitsEveryRowAndStopsWithTheVisitor) {
  add_many();
  std::set<core::TokenId> seen;
  ASSERT_OK(store().read([&](ReadTx& tx) {
    return for_each_token(tx, [&](const TokenRow& row) -> Result<void> {
      EXPECT_EQ(row.mac, core::token_row_mac(world_.row_key(), row.token));
      seen.insert(row.token.id);
      return {};
    });
  }));
  EXPECT_EQ(seen.size(), 300u);
  EXPECT_EQ(read<uint64_t>([](ReadTx& tx) { return count_tokens(tx); }), 300u);
  int visits = 0;
  EXPECT_CODE(store().read([&](ReadTx& tx) {
    return for_each_token(tx, [&](const TokenRow&) -> Result<void> {
      return ++visits == 3 ? Result<void>(Error(ErrorCode::timed_out)) : Result<void>();
    });
  }),
              timed_out);
  EXPECT_EQ(visits, 3);
}

}  // namespace
}  // namespace latchkey::store
