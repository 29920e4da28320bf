#include "store/resign.h"

#include <string>
#include <vector>

#include "base/assert.h"
#include "store/client_rows.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/row_mac.h"
#include "store/token_rows.h"

namespace latchkey::store {
namespace {

struct TableKey {
  std::string_view name;
  std::string_view first;
  std::string_view second;  // empty where the key is one column
};

TableKey key_of(SignedTable table) {
  switch (table) {
    case SignedTable::tokens: return {"tokens", "token_id", ""};
    case SignedTable::people: return {"people", "person_id", ""};
    case SignedTable::memberships: return {"memberships", "organization_id", "person_id"};
    case SignedTable::sessions: return {"sessions", "session_id", ""};
    case SignedTable::links: return {"links", "link_id", ""};
    case SignedTable::organizations: return {"organizations", "organization_id", ""};
    case SignedTable::clients: return {"clients", "client_id", ""};
  }
  LK_ASSERT(false);
  return {};
}

Result<std::vector<RowPosition>> list_positions(ReadTx& tx, SignedTable table,
                                                const RowPosition& after, int limit) {
  const TableKey key = key_of(table);
  const bool is_pair = !key.second.empty();
  const std::string first(key.first);
  const std::string both = is_pair ? first + ", " + std::string(key.second) : first;
  const std::string sql = "SELECT " + both + " FROM " + std::string(key.name) + " WHERE (" + both +
                          ") > (" + (is_pair ? "$1, $2" : "$1") + ") ORDER BY " + both + " LIMIT " +
                          std::to_string(limit);
  std::vector<RowPosition> positions;
  const auto on_row = [&](const Row& row) -> Result<void> {
    positions.emplace_back(Uuid{row.bytes<16>(0)}, is_pair ? Uuid{row.bytes<16>(1)} : Uuid{});
    return {};
  };
  if (is_pair) {
    LK_CHECK(tx.connection().run(sql, {after.first.bytes, after.second.bytes}, on_row));
  } else {
    LK_CHECK(tx.connection().run(sql, {after.first.bytes}, on_row));
  }
  return positions;
}

// Sets the MAC of one row, if it is another one. Returns whether it was.
Result<bool> set_mac(WriteTx& tx, SignedTable table, const RowPosition& at, const Digest& mac) {
  const TableKey key = key_of(table);
  std::string sql = "UPDATE " + std::string(key.name) + " SET mac = $1 WHERE mac <> $1 AND " +
                    std::string(key.first) + " = $2";
  if (key.second.empty()) {
    LK_TRY(const int64_t changed, tx.connection().run(sql, {mac, at.first.bytes}));
    return changed > 0;
  }
  sql += " AND " + std::string(key.second) + " = $3";
  LK_TRY(const int64_t changed, tx.connection().run(sql, {mac, at.first.bytes, at.second.bytes}));
  return changed > 0;
}

Result<bool> resign_token(WriteTx& tx, core::TokenId id) {
  LK_TRY(const auto row, find_token(tx, id));
  if (!row || !is_ours(tx, *row)) return false;
  const Digest mac = core::token_row_mac(tx.row_key(), row->token);
  if (mac == row->mac) return false;
  LK_CHECK(update_token(tx, row->token, mac));
  return true;
}

// Finds the row as every reader does, so one that is not ours is not found, and signs it.
Result<bool> resign_row(WriteTx& tx, SignedTable table, const RowPosition& at) {
  const Hmac& key = tx.row_key();
  switch (table) {
    case SignedTable::tokens: return resign_token(tx, core::TokenId{at.first});
    case SignedTable::people: {
      LK_TRY(const auto row, find_person(tx, core::PersonId{at.first}));
      return row ? set_mac(tx, table, at, person_mac(key, *row)) : Result<bool>(false);
    }
    case SignedTable::memberships: {
      LK_TRY(const auto row,
             find_membership(tx, core::OrganizationId{at.first}, core::PersonId{at.second}));
      return row ? set_mac(tx, table, at, membership_mac(key, *row)) : Result<bool>(false);
    }
    case SignedTable::sessions: {
      LK_TRY(const auto row, find_session(tx, core::SessionId{at.first}));
      return row ? set_mac(tx, table, at, session_mac(key, *row)) : Result<bool>(false);
    }
    case SignedTable::links: {
      LK_TRY(const auto row, find_link(tx, core::LinkId{at.first}));
      return row ? set_mac(tx, table, at, link_mac(key, *row)) : Result<bool>(false);
    }
    case SignedTable::organizations: {
      LK_TRY(const auto row, find_organization(tx, core::OrganizationId{at.first}));
      return row ? set_mac(tx, table, at, organization_mac(key, *row)) : Result<bool>(false);
    }
    case SignedTable::clients: {
      LK_TRY(const auto row, find_client(tx, core::ClientId{at.first}));
      return row ? set_mac(tx, table, at, client_mac(key, *row)) : Result<bool>(false);
    }
  }
  LK_ASSERT(false);
  return false;
}

}  // namespace

std::string_view table_name(SignedTable table) { return key_of(table).name; }

Result<ResignedPage> resign_page(WriteTx& tx, SignedTable table, const RowPosition& after,
                                 int limit) {
  LK_TRY(const auto positions, list_positions(tx, table, after, limit));
  ResignedPage page;
  for (const RowPosition& at : positions) {
    const auto resigned = resign_row(tx, table, at);
    // A row that no writer of ours wrote cannot even be read; it is left to `audit verify`.
    const bool is_foreign = !resigned && resigned.error().code == ErrorCode::integrity_violated;
    if (!resigned && !is_foreign) return resigned.error();
    ++page.visited;
    if (resigned && *resigned) ++page.resigned;
  }
  if (static_cast<int>(positions.size()) == limit) page.next = positions.back();
  return page;
}

Result<uint64_t> count_rows(ReadTx& tx, SignedTable table) {
  uint64_t count = 0;
  LK_CHECK(tx.connection().run("SELECT COUNT(*) FROM " + std::string(table_name(table)), {},
                               [&](const Row& row) -> Result<void> {
                                 count = static_cast<uint64_t>(row.integer(0));
                                 return {};
                               }));
  return count;
}

Result<bool> head_is_signed_now(ReadTx& tx) {
  LK_TRY(const auto stored, find_head(tx.connection()));
  if (!stored) return Error(ErrorCode::integrity_violated, "the head of the event log is missing");
  return is_signed_now(tx.row_keys(), *stored);
}

}  // namespace latchkey::store
