// Rows of clients: gates and resource servers.
//
// Of a client's secret there is a digest only. A row whose MAC is wrong is as if it were not there,
// and is logged (docs/spec/row-mac.md). Thread safety: as of the transaction.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "core/client.h"
#include "store/store.h"

namespace latchkey::store {

struct ClientRow {
  core::Client client;
  Digest digest{};
};
Result<std::optional<ClientRow>> find_client(ReadTx& tx, core::ClientId id);
Result<std::optional<ClientRow>> find_client_by_key(ReadTx& tx, std::string_view name_key);
// All, by name key; there are at most kClientsMax.
Result<std::vector<ClientRow>> list_clients(ReadTx& tx);
// Errors: already_exists (field "name").
Result<void> insert_client(WriteTx& tx, const ClientRow& row);
// REQUIRES: it is there.
Result<void> delete_client(WriteTx& tx, core::ClientId id);
// For `audit verify`: all rows. Errors: integrity_violated (names the first whose MAC is wrong).
Result<void> check_client_rows(ReadTx& tx);

}  // namespace latchkey::store
