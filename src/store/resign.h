// Signs rows anew under the current row key, page by page, after a rotation.
//
// Only a row that is ours under a key that is here is signed: one that was written past the server
// stays as it is and stays refused. What a row says does not change. Rows of tokens are bound to
// the log again (rule E10). Thread safety: as of the transaction. Spec: docs/spec/keys.md.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "store/store.h"

namespace latchkey::store {

enum class SignedTable { tokens, people, memberships, sessions, links, organizations, clients };
inline constexpr SignedTable kSignedTables[] = {
    SignedTable::tokens,   SignedTable::people, SignedTable::memberships,
    SignedTable::sessions, SignedTable::links,  SignedTable::organizations,
    SignedTable::clients};
std::string_view table_name(SignedTable table);

// A row's primary key; the second part is of a membership: the organization, then the person.
using RowPosition = std::pair<Uuid, Uuid>;

struct ResignedPage {
  uint64_t visited = 0;
  uint64_t resigned = 0;            // were under another key than the current
  std::optional<RowPosition> next;  // the last row; nothing when there are no more
};
// Signs what is not under the current key among the `limit` rows of `table` after `after`.
// REQUIRES: an event is appended if `resigned` is above 0. Errors: store_unavailable.
Result<ResignedPage> resign_page(WriteTx& tx, SignedTable table, const RowPosition& after,
                                 int limit);
Result<uint64_t> count_rows(ReadTx& tx, SignedTable table);
// Whether the head of the log is signed with the current key. Errors: integrity_violated.
Result<bool> head_is_signed_now(ReadTx& tx);

}  // namespace latchkey::store
