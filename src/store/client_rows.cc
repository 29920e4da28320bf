#include "store/client_rows.h"

#include <algorithm>
#include <utility>

#include "store/row_errors.h"
#include "store/row_mac.h"

namespace latchkey::store {
namespace {

constexpr size_t kIdBytes = 16;
constexpr int kNameKeyColumn = 6;
constexpr int kMacColumn = 7;

// Refuses what insert_client() does not write: another length, another order, an id twice.
std::vector<core::OrganizationId> read_organizations(const Row& row, int column) {
  const auto bytes = row.blob(column);
  std::vector<core::OrganizationId> ids;
  if (bytes.size() % kIdBytes != 0) row.refuse();
  for (size_t at = 0; at + kIdBytes <= bytes.size(); at += kIdBytes) {
    core::OrganizationId id;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), kIdBytes, id.uuid.bytes.begin());
    if (!ids.empty() && !(ids.back() < id)) row.refuse();
    ids.push_back(id);
  }
  return ids;
}

ClientRow read_client(const Row& row) {
  ClientRow read;
  read.client.id = row.id<core::ClientId>(0);
  read.client.name = row.text(1);
  const int64_t bits = row.integer(2);
  if (bits <= 0 || bits > core::kClientPermissionBits) row.refuse();
  read.client.may.bits = static_cast<uint32_t>(bits);
  read.client.organizations = read_organizations(row, 3);
  read.digest = row.bytes<32>(4);
  read.client.created_at = row.instant(5);
  return read;
}

Result<std::vector<ClientRow>> select_clients(ReadTx& tx, std::string_view rest,
                                              std::initializer_list<Value> values,
                                              OnForged on_forged = OnForged::skip) {
  const std::string sql =
      "SELECT client_id, name, permissions, organizations, digest, created_at, name_key, mac "
      "FROM clients " +
      std::string(rest);
  RowCheck check(tx, "clients", on_forged);
  std::vector<ClientRow> clients;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    ClientRow read = read_client(row);
    if (row.refused()) return {};  // run() ends with integrity_violated
    // The key follows from the name, so it is no field of the MAC (M8).
    const bool found_by_its_key = row.text(kNameKeyColumn) == core::client_key(read.client.name);
    const auto stored = found_by_its_key ? row.blob(kMacColumn) : std::span<const uint8_t>();
    LK_TRY(const bool ours,
           check.is_ours([&](const Hmac& key) { return client_mac(key, read); }, stored,
                         [&] { return "client " + core::format_id(read.client.id); }));
    if (ours) clients.push_back(std::move(read));
    return {};
  }));
  return clients;
}

Result<std::optional<ClientRow>> select_client(ReadTx& tx, std::string_view rest, Value value) {
  LK_TRY(auto found, select_clients(tx, rest, {value}));
  return found.empty() ? std::optional<ClientRow>() : std::optional(std::move(found.front()));
}

}  // namespace

Result<std::optional<ClientRow>> find_client(ReadTx& tx, core::ClientId id) {
  return select_client(tx, "WHERE client_id = $1", id);
}

Result<std::optional<ClientRow>> find_client_by_key(ReadTx& tx, std::string_view name_key) {
  return select_client(tx, "WHERE name_key = $1", name_key);
}

Result<std::vector<ClientRow>> list_clients(ReadTx& tx) {
  return select_clients(tx, "ORDER BY name_key", {});
}

Result<void> insert_client(WriteTx& tx, const ClientRow& row) {
  const core::Client& client = row.client;
  Bytes organizations;
  for (const core::OrganizationId& id : client.organizations) {
    organizations.insert(organizations.end(), id.uuid.bytes.begin(), id.uuid.bytes.end());
  }
  auto inserted = tx.connection().run(
      "INSERT INTO clients (client_id, name, name_key, permissions, organizations, digest, "
      "created_at, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {client.id, client.name, core::client_key(client.name), uint64_t{client.may.bits},
       std::span<const uint8_t>(organizations), row.digest, client.created_at,
       client_mac(tx.row_key(), row)});
  LK_CHECK(with_field(std::move(inserted), "name_key", "name"));
  return {};
}

Result<void> delete_client(WriteTx& tx, core::ClientId id) {
  return expect_one(tx.connection().run("DELETE FROM clients WHERE client_id = $1", {id}));
}

Result<void> check_client_rows(ReadTx& tx) {
  LK_CHECK(select_clients(tx, "", {}, OnForged::fail));
  return {};
}

}  // namespace latchkey::store
