// Rows of personal access tokens and of their last use.
//
// Every row carries the MAC that its writer computed; reading does not check it, entering an index
// and `audit verify` do. Thread safety: as of the transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/lifecycle.h"
#include "core/token.h"
#include "store/store.h"

namespace latchkey::store {

struct TokenRow {
  core::Token token;
  Digest mac{};
  core::Revision revision;                // of the event that binds the row to the log (rule E10)
  std::optional<core::LastUse> last_use;  // filled by list_tokens and find_token
};

// Whether the row carries its MAC under a row key that is here: what no read does by itself.
bool is_ours(const ReadTx& tx, const TokenRow& row);

// Nothing when there is no such token.
Result<std::optional<TokenRow>> find_token(ReadTx& tx, core::TokenId id);
// The token of the text with that digest; without its last use.
Result<std::optional<TokenRow>> find_token_by_digest(ReadTx& tx, const Digest& digest);
// Errors: already_exists (field "id" or "digest").
Result<void> insert_token(WriteTx& tx, const core::Token& token, const Digest& mac);
// Replaces everything that may change. REQUIRES: the token exists.
Result<void> update_token(WriteTx& tx, const core::Token& token, const Digest& mac);

enum class TokenFilter { active, revoked, expired, all };
enum class TokenSort { display_name, created, status, expires, last_used };
enum class SortDirection { ascending, descending };

// One page of a person's tokens in one organization. Rows of equal keys follow each other by id, in
// the same direction; by status means active, expired, revoked, and then by name. `after_key` and
// `after_id` are the sort key and id of the last row of the page before; the key's form is the
// store's own (stored, not the engine's collation).
struct TokenQuery {
  core::PersonId owner;
  core::OrganizationId organization;
  TokenFilter filter = TokenFilter::active;
  TokenSort sort = TokenSort::created;
  SortDirection direction = SortDirection::descending;
  std::string search;  // part of the name, without ASCII case; empty for all
  Instant now;         // what expired means
  int limit = 100;
  std::optional<std::pair<std::string, core::TokenId>> after;
};
struct TokenPage {
  std::vector<TokenRow> rows;
  // The `after` of the next page; nothing on the last one.
  std::optional<std::pair<std::string, core::TokenId>> next;
};
// Errors: invalid_argument naming `after` (not a key of this sort).
// Cost: proportional to the page and to what filter and search leave out before its end, not to the
// number of tokens (indexes by stored keys).
Result<TokenPage> list_tokens(ReadTx& tx, const TokenQuery& query);

// Every token row, for loading an index and for audit, in no particular order.
Result<void> for_each_token(ReadTx& tx, const std::function<Result<void>(const TokenRow&)>& on_row);
Result<uint64_t> count_tokens(ReadTx& tx);
// Token rows by id, after `after`, at most `limit`.
Result<std::vector<TokenRow>> list_all_tokens(ReadTx& tx, core::TokenId after, int limit);

// Which key each token was digested under that is live at `now`; by id, after `after`, at most
// `limit`. Cost: a walk over the rows, without an index.
struct LiveToken {
  core::TokenId id;
  core::DigestKeyId key_id;
  Instant valid_to;
};
Result<std::vector<LiveToken>> list_live_tokens(ReadTx& tx, core::TokenId after, Instant now,
                                                int limit);

// Writes the newest uses; older ones than what is stored, and unknown tokens, are ignored.
struct TokenUse {
  core::TokenId token;
  core::LastUse use;
};
Result<void> upsert_last_uses(WriteTx& tx, const std::vector<TokenUse>& uses);

}  // namespace latchkey::store
