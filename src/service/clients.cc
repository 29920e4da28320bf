#include "service/clients.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "service/access.h"
#include "service/identity_parts.h"
#include "store/client_rows.h"
#include "store/organization_rows.h"

namespace latchkey::service {
namespace {

// The ids of the active organizations `names`, ascending.
Result<std::vector<core::OrganizationId>> find_organizations(
    store::ReadTx& tx, const std::vector<std::string>& names) {
  std::vector<core::OrganizationId> ids;
  for (const std::string& name : names) {
    LK_TRY(const auto found, store::find_organization_by_key(tx, core::organization_key(name)));
    if (!found) return invalid_field("organizations", "must be names of organizations");
    ids.push_back(found->id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) {
    return invalid_field("organizations", "must name each organization once");
  }
  return ids;
}

Result<void> check(const NewClient& request) {
  LK_CHECK(core::check_client_name(request.name, "name"));
  if (request.may.bits == 0) return invalid_field("may", "must name what the client may do");
  if (request.organizations.size() > core::kClientOrganizationsMax) {
    return invalid_field("organizations", "must be at most 100");
  }
  return {};
}

core::EventDraft draft_of(core::Action action, const Actor& actor, const core::Client& client,
                          std::string data) {
  return {.action = action,
          .organization = std::nullopt,
          .actor = actor.person(),
          .subjects = {{core::SubjectKind::client, client.id.uuid}},
          .data = std::move(data)};
}

std::string names_of(const core::Client& client) {
  return identity::names_json({{"Name", client.name}});
}

}  // namespace

size_t Clients::DigestHash::operator()(const Digest& digest) const {
  size_t hash = 0;  // a digest is random in every part
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

Result<void> Clients::load() { return reload(dependencies_.store.head().revision); }

Result<Changed<IssuedClient>> Clients::add(const Actor& actor, const NewClient& request) {
  LK_CHECK(check(request));
  LK_TRY(const auto id, core::make_id<core::ClientId>(dependencies_.entropy));
  LK_TRY(SecretText text, identity::make_secret(dependencies_.entropy, core::kClientSecretPrefix));
  store::ClientRow row;
  row.digest = *identity::find_digest(text, core::kClientSecretPrefix);
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    LK_TRY(const auto all, store::list_clients(tx));
    if (all.size() >= core::kClientsMax) {
      return Error(ErrorCode::conflict, "There are 1,000 clients; remove one first.");
    }
    row.client = {id, request.name, request.may, {}, tx.now()};
    LK_TRY(row.client.organizations, find_organizations(tx, request.organizations));
    LK_CHECK(store::insert_client(tx, row));
    LK_CHECK(tx.append(draft_of(core::Action::client_added, actor, row.client,
                                core::client_event_data(row.client)),
                       actor.event_context(names_of(row.client))));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(change));
  LK_CHECK(reload(committed.revision));
  return Changed<IssuedClient>{{std::move(row.client), std::move(text)}, committed.revision};
}

Result<std::vector<Clients::Listed>> Clients::list(const Actor& actor) {
  std::vector<Listed> listed;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    LK_TRY(auto rows, store::list_clients(tx));
    for (store::ClientRow& row : rows) {
      Listed& one = listed.emplace_back(Listed{std::move(row.client), {}});
      for (const core::OrganizationId id : one.client.organizations) {
        LK_TRY(const auto organization, store::find_organization(tx, id));
        one.organizations.push_back(organization ? organization->name : core::format_id(id));
      }
    }
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return listed;
}

Result<core::Revision> Clients::remove(const Actor& actor, std::string_view name) {
  core::ClientId id;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    LK_TRY(const auto row, store::find_client_by_key(tx, core::client_key(name)));
    if (!row) return Error(ErrorCode::conflict, "There is no client of this name.");
    id = row->client.id;
    LK_CHECK(store::delete_client(tx, id));
    LK_CHECK(tx.append(draft_of(core::Action::client_removed, actor, row->client, "{}"),
                       actor.event_context(names_of(row->client))));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(change));
  // It has ended, whatever becomes of reading the others.
  forget(id);
  LK_CHECK(reload(committed.revision));
  return committed.revision;
}

Result<void> Clients::reload(core::Revision at_least) {
  std::vector<store::ClientRow> rows;
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(rows, store::list_clients(tx));
    return {};
  }));
  publish(std::move(rows), at_least);
  return {};
}

Result<void> Clients::take(store::ReadTx& tx, std::optional<core::Revision> at) {
  LK_TRY(auto rows, store::list_clients(tx));
  publish(std::move(rows), at);
  return {};
}

void Clients::publish(std::vector<store::ClientRow> rows, std::optional<core::Revision> at) {
  Known known;
  for (store::ClientRow& row : rows) {
    known.by_id.emplace(row.client.id, row.digest);
    known.by_digest.emplace(row.digest,
                            std::make_shared<const core::Client>(std::move(row.client)));
  }
  const MutexLock lock(mutex_);
  if (at && *at < known_at_) return;
  known_ = std::move(known);
  known_at_ = at.value_or(core::Revision());
}

void Clients::forget(core::ClientId id) {
  const MutexLock lock(mutex_);
  const auto found = known_.by_id.find(id);
  if (found == known_.by_id.end()) return;
  known_.by_digest.erase(found->second);
  known_.by_id.erase(found);
}

Result<ProvenClient> Clients::authenticate(std::string_view text) const {
  const auto digest = identity::find_digest(SecretText(text), core::kClientSecretPrefix);
  if (!digest) return Error(ErrorCode::token_unknown);
  const MutexLock lock(mutex_);
  const auto found = known_.by_digest.find(*digest);
  if (found == known_.by_digest.end()) return Error(ErrorCode::token_unknown);
  return ProvenClient(found->second);
}

bool Clients::is_live(core::ClientId id) const {
  const MutexLock lock(mutex_);
  return known_.by_id.contains(id);
}

}  // namespace latchkey::service
