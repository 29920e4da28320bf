#include "store/token_rows.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "store/row_errors.h"

namespace latchkey::store {
namespace {

constexpr std::string_view kTokenColumns =
    "t.token_id, t.organization_id, t.owner_id, t.display_name, t.scope, t.valid_from, t.valid_to, "
    "t.state, t.revoked_at, t.key_id, t.digest, t.generation, t.mac, t.revision";
constexpr int kUseColumn = 14;  // the first column after those
constexpr std::string_view kUseColumns = ", u.used_at, u.address, u.user_agent";

core::DigestKeyId read_key_id(const Row& row, int column) {
  core::DigestKeyId id;
  const std::string_view text = row.text(column);
  if (text.size() == id.text.size()) {
    std::copy(text.begin(), text.end(), id.text.begin());
  } else {
    row.refuse();
  }
  return id;
}

TokenRow read_token(const Row& row) {
  TokenRow stored;
  core::Token& token = stored.token;
  token.id = row.id<core::TokenId>(0);
  token.organization = row.id<core::OrganizationId>(1);
  token.owner = row.id<core::PersonId>(2);
  token.display_name = row.text(3);
  token.scope = row.text(4);
  token.valid_from = row.instant(5);
  token.valid_to = row.instant(6);
  token.state = row.one_of(7, {core::TokenState::live, core::TokenState::revoked});
  token.revoked_at = row.optional_instant(8);
  token.key_id = read_key_id(row, 9);
  token.digest = row.bytes<32>(10);
  token.generation = static_cast<uint64_t>(row.integer(11));
  stored.mac = row.bytes<32>(12);
  stored.revision.number = static_cast<uint64_t>(row.integer(13));
  return stored;
}

TokenRow read_token_and_use(const Row& row) {
  TokenRow stored = read_token(row);
  // 0 stands for never, so that a never used token has a place in the order.
  if (row.integer(kUseColumn) != 0) {
    stored.last_use = core::LastUse{row.instant(kUseColumn), std::string(row.text(kUseColumn + 1)),
                                    std::string(row.text(kUseColumn + 2))};
  }
  return stored;
}

// The pattern of a LIKE ... ESCAPE '\' that finds `part` anywhere.
std::string contains_pattern(std::string_view part) {
  std::string pattern = "%";
  for (const char c : ascii_lower(part)) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + '%';
}

// How a sort is done: by which stored column, and whether that is a number.
struct SortColumn {
  std::string_view column;
  bool is_number;
};
SortColumn sort_column(TokenSort sort) {
  switch (sort) {
    case TokenSort::display_name:
    case TokenSort::status: return {"t.name_key", false};
    case TokenSort::created: return {"t.valid_from", true};
    case TokenSort::expires: return {"t.valid_to", true};
    case TokenSort::last_used: return {"u.used_at", true};
  }
  LK_ASSERT(false);
  return {};
}

std::string sort_key(const TokenRow& row, TokenSort sort) {
  switch (sort) {
    case TokenSort::display_name:
    case TokenSort::status: return ascii_lower(row.token.display_name);
    case TokenSort::created: return std::to_string(row.token.valid_from.ms);
    case TokenSort::expires: return std::to_string(row.token.valid_to.ms);
    case TokenSort::last_used: return std::to_string(row.last_use ? row.last_use->at.ms : 0);
  }
  LK_ASSERT(false);
  return {};
}

// The text of a query and its parameters, numbered as they are added.
class QueryText {
 public:
  void add(std::string_view text) { text_ += text; }
  void add(std::string_view before, Value value, std::string_view after = {}) {
    values_.push_back(value);
    text_ += before;
    text_ += '$' + std::to_string(values_.size());
    text_ += after;
  }
  const std::string& text() const { return text_; }
  std::span<const Value> values() const { return values_; }

 private:
  std::string text_;
  std::vector<Value> values_;
};

// The '+' keeps the engine from choosing the index of expiry for the filter and then sorting by
// hand.
void add_filter(QueryText& query, TokenFilter filter, Instant now) {
  switch (filter) {
    case TokenFilter::active: return query.add(" AND t.state = 1 AND +t.valid_to > ", now);
    case TokenFilter::expired: return query.add(" AND t.state = 1 AND +t.valid_to <= ", now);
    case TokenFilter::revoked: return query.add(" AND t.state = 2");
    case TokenFilter::all: return;
  }
}

using Position = std::pair<std::string, core::TokenId>;

Error bad_position() { return invalid_field("after", "must come from a page of the same list"); }

// At most `limit` rows of `filter` after `after`, in the order of the sort.
Result<void> add_rows(ReadTx& tx, const TokenQuery& query, const std::optional<Position>& after,
                      int limit, std::vector<TokenRow>& rows) {
  const SortColumn sort = sort_column(query.sort);
  const bool by_use = query.sort == TokenSort::last_used;
  const bool ascending = query.direction == SortDirection::ascending;
  const std::string pattern = contains_pattern(query.search);
  QueryText sql;
  sql.add("SELECT ");
  sql.add(kTokenColumns);
  sql.add(kUseColumns);
  // CROSS JOIN keeps this order of the tables on every engine of ours that reorders joins.
  sql.add(by_use ? " FROM token_uses u CROSS JOIN tokens t"
                 : " FROM tokens t CROSS JOIN token_uses u");
  sql.add(by_use ? " WHERE t.token_id = u.token_id" : " WHERE u.token_id = t.token_id");
  const std::string_view driving = by_use ? "u" : "t";
  sql.add(" AND ");
  sql.add(driving);
  sql.add(".owner_id = ", query.owner, " AND ");
  sql.add(driving);
  sql.add(".organization_id = ", query.organization);
  add_filter(sql, query.filter, query.now);
  if (!query.search.empty()) sql.add(" AND t.name_key LIKE ", pattern, " ESCAPE '\\'");
  if (after) {
    Value key(after->first);
    if (sort.is_number) {
      const auto number = parse_unsigned(after->first);
      if (!number || *number > INT64_MAX) return bad_position();
      key = Value(*number);
    }
    sql.add(" AND (");
    sql.add(sort.column);
    sql.add(", ");
    sql.add(driving);
    sql.add(ascending ? ".token_id) > (" : ".token_id) < (", key);
    sql.add(", ", after->second, ")");
  }
  const std::string_view direction = ascending ? "" : " DESC";
  sql.add(" ORDER BY ");
  sql.add(sort.column);
  sql.add(direction);
  sql.add(", ");
  sql.add(driving);
  sql.add(".token_id");
  sql.add(direction);
  sql.add(" LIMIT ", limit);
  LK_CHECK(tx.connection().run(sql.text(), sql.values(), [&](const Row& row) -> Result<void> {
    rows.push_back(read_token_and_use(row));
    return {};
  }));
  return {};
}

// In the order of the sort by status.
constexpr TokenFilter kStatuses[] = {TokenFilter::active, TokenFilter::expired,
                                     TokenFilter::revoked};

size_t status_rank(const TokenRow& row, Instant now) {
  if (row.token.state == core::TokenState::revoked) return 2;
  return row.token.valid_to <= now ? 1 : 0;
}

// Tokens by status: the lists of each status one after the other, each by name. Its key is the rank
// of the status, then ":", then the name's key.
Result<void> add_rows_by_status(ReadTx& tx, const TokenQuery& query, int limit,
                                std::vector<TokenRow>& rows) {
  std::vector<size_t> ranks = {0, 1, 2};
  if (query.direction == SortDirection::descending) std::reverse(ranks.begin(), ranks.end());
  std::optional<Position> after = query.after;
  auto rank = ranks.begin();
  if (after) {
    std::string& key = after->first;
    if (key.size() < 2 || key[0] < '0' || key[0] > '2' || key[1] != ':') return bad_position();
    rank = std::find(ranks.begin(), ranks.end(), static_cast<size_t>(key[0] - '0'));
    key.erase(0, 2);
  }
  for (; rank != ranks.end() && static_cast<int>(rows.size()) < limit; ++rank) {
    if (query.filter == TokenFilter::all || query.filter == kStatuses[*rank]) {
      TokenQuery one = query;
      one.filter = kStatuses[*rank];
      LK_CHECK(add_rows(tx, one, after, limit - static_cast<int>(rows.size()), rows));
    }
    after.reset();
  }
  return {};
}

}  // namespace

bool is_ours(const ReadTx& tx, const TokenRow& row) {
  return tx.row_keys().verifies(
      row.mac, [&](const Hmac& key) { return core::token_row_mac(key, row.token); });
}

Result<std::optional<TokenRow>> find_token(ReadTx& tx, core::TokenId id) {
  static const std::string sql = "SELECT " + std::string(kTokenColumns) + std::string(kUseColumns) +
                                 " FROM tokens t JOIN token_uses u ON u.token_id = t.token_id"
                                 " WHERE t.token_id = $1";
  std::optional<TokenRow> found;
  LK_CHECK(tx.connection().run(sql, {id}, [&](const Row& row) -> Result<void> {
    found = read_token_and_use(row);
    return {};
  }));
  return found;
}

Result<std::optional<TokenRow>> find_token_by_digest(ReadTx& tx, const Digest& digest) {
  static const std::string sql =
      "SELECT " + std::string(kTokenColumns) + " FROM tokens t WHERE t.digest = $1";
  std::optional<TokenRow> found;
  LK_CHECK(tx.connection().run(sql, {digest}, [&](const Row& row) -> Result<void> {
    found = read_token(row);
    return {};
  }));
  return found;
}

Result<void> insert_token(WriteTx& tx, const core::Token& token, const Digest& mac) {
  const core::Revision revision = tx.bind_row(token.id, mac);
  const std::string name_key = ascii_lower(token.display_name);
  auto inserted = tx.connection().run(
      "INSERT INTO tokens (token_id, organization_id, owner_id, display_name, name_key, scope, "
      "valid_from, valid_to, state, revoked_at, key_id, digest, generation, mac, revision) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
      {token.id, token.organization, token.owner, token.display_name, name_key, token.scope,
       token.valid_from, token.valid_to, static_cast<int>(token.state), token.revoked_at,
       token.key_id.view(), token.digest, token.generation, mac, revision.number});
  LK_CHECK(with_field(with_field(std::move(inserted), "digest", "digest"), "token_id", "id"));
  LK_CHECK(tx.connection().run(
      "INSERT INTO token_uses (token_id, owner_id, organization_id, used_at, address, user_agent) "
      "VALUES ($1, $2, $3, 0, '', '')",
      {token.id, token.owner, token.organization}));
  return {};
}

Result<void> update_token(WriteTx& tx, const core::Token& token, const Digest& mac) {
  const core::Revision revision = tx.bind_row(token.id, mac);
  const std::string name_key = ascii_lower(token.display_name);
  auto updated = tx.connection().run(
      "UPDATE tokens SET display_name = $2, name_key = $3, scope = $4, valid_from = $5, "
      "valid_to = $6, state = $7, revoked_at = $8, key_id = $9, digest = $10, generation = $11, "
      "mac = $12, revision = $13 WHERE token_id = $1",
      {token.id, token.display_name, name_key, token.scope, token.valid_from, token.valid_to,
       static_cast<int>(token.state), token.revoked_at, token.key_id.view(), token.digest,
       token.generation, mac, revision.number});
  return expect_one(with_field(std::move(updated), "digest", "digest"));
}

Result<TokenPage> list_tokens(ReadTx& tx, const TokenQuery& query) {
  LK_ASSERT(query.limit > 0);
  TokenPage page;
  const int limit = query.limit + 1;  // one more, to know whether there is another page
  if (query.sort == TokenSort::status) {
    LK_CHECK(add_rows_by_status(tx, query, limit, page.rows));
  } else {
    LK_CHECK(add_rows(tx, query, query.after, limit, page.rows));
  }
  if (static_cast<int>(page.rows.size()) < limit) return page;
  page.rows.pop_back();
  const TokenRow& last = page.rows.back();
  std::string key = sort_key(last, query.sort);
  if (query.sort == TokenSort::status) {
    key.insert(0, std::to_string(status_rank(last, query.now)) + ':');
  }
  page.next.emplace(std::move(key), last.token.id);
  return page;
}

Result<void> for_each_token(ReadTx& tx,
                            const std::function<Result<void>(const TokenRow&)>& on_row) {
  static const std::string sql = "SELECT " + std::string(kTokenColumns) + " FROM tokens t";
  LK_CHECK(tx.connection().run(sql, {}, [&](const Row& row) -> Result<void> {
    const TokenRow stored = read_token(row);
    if (row.refused()) return {};  // run() ends with integrity_violated
    return on_row(stored);
  }));
  return {};
}

Result<uint64_t> count_tokens(ReadTx& tx) {
  uint64_t count = 0;
  LK_CHECK(
      tx.connection().run("SELECT COUNT(*) FROM tokens", {}, [&](const Row& row) -> Result<void> {
        count = static_cast<uint64_t>(row.integer(0));
        return {};
      }));
  return count;
}

Result<std::vector<TokenRow>> list_all_tokens(ReadTx& tx, core::TokenId after, int limit) {
  static const std::string sql =
      "SELECT " + std::string(kTokenColumns) +
      " FROM tokens t WHERE t.token_id > $1 ORDER BY t.token_id LIMIT $2";
  std::vector<TokenRow> rows;
  LK_CHECK(tx.connection().run(sql, {after, limit}, [&](const Row& row) -> Result<void> {
    rows.push_back(read_token(row));
    return {};
  }));
  return rows;
}

Result<std::vector<LiveToken>> list_live_tokens(ReadTx& tx, core::TokenId after, Instant now,
                                                int limit) {
  std::vector<LiveToken> tokens;
  LK_CHECK(tx.connection().run(
      "SELECT token_id, key_id, valid_to FROM tokens "
      "WHERE token_id > $1 AND state = 1 AND valid_to > $2 ORDER BY token_id LIMIT $3",
      {after, now, limit}, [&](const Row& row) -> Result<void> {
        tokens.push_back({row.id<core::TokenId>(0), read_key_id(row, 1), row.instant(2)});
        return {};
      }));
  return tokens;
}

Result<void> upsert_last_uses(WriteTx& tx, const std::vector<TokenUse>& uses) {
  for (const TokenUse& use : uses) {
    LK_CHECK(
        tx.connection().run("UPDATE token_uses SET used_at = $2, address = $3, user_agent = $4 "
                            "WHERE token_id = $1 AND used_at < $2",
                            {use.token, use.use.at, use.use.address, use.use.user_agent}));
  }
  return {};
}

}  // namespace latchkey::store
