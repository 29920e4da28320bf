// Clients: gates and resource servers with a credential of their own.
//
// An operator makes and removes them. A secret is random, shown once, and stored as a digest. What
// the store has is kept in memory too, so that checking a client's credential waits for no disk: it
// is taken anew after each change, and a client that was removed is refused from the moment its
// removal is answered. Thread safety: any thread. Spec: docs/spec/machine-clients.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/secret.h"
#include "core/client.h"
#include "service/actor.h"
#include "service/dependencies.h"
#include "store/client_rows.h"

namespace latchkey::service {

// The proof that a client's credential was checked: only Clients makes one.
class ProvenClient {
 public:
  core::ClientId id() const { return client_->id; }
  const std::string& name() const { return client_->name; }
  bool may(core::ClientPermission permission) const { return client_->may.has(permission); }
  // Whether what concerns `organization` may be told to it.
  bool is_for(core::OrganizationId organization) const { return client_->is_for(organization); }
  bool is_for_all() const { return client_->organizations.empty(); }

 private:
  friend class Clients;
  explicit ProvenClient(std::shared_ptr<const core::Client> client) : client_(std::move(client)) {}
  std::shared_ptr<const core::Client> client_;
};

struct NewClient {
  std::string name;
  core::ClientPermissions may;
  std::vector<std::string> organizations;  // names; empty: all there are and will be
};

struct IssuedClient {
  core::Client client;
  SecretText text;  // "lkc_" and 43 characters
};

class Clients {
 public:
  explicit Clients(const Dependencies& dependencies) : dependencies_(dependencies) {}

  // Takes what the store has into memory; called once, before the first question.
  // Errors: store_unavailable.
  Result<void> load();
  // The same from a view that somebody else reads: whoever follows the log, since another node may
  // have made or removed one. `at` is the last event that the view holds, nothing for whatever it
  // holds (after a load of everything).
  Result<void> take(store::ReadTx& tx, std::optional<core::Revision> at);

  // Errors: permission_denied (not an operator); invalid_argument naming `name`, `may` or
  //         `organizations`; already_exists (field "name"); conflict (there are kClientsMax).
  Result<Changed<IssuedClient>> add(const Actor& actor, const NewClient& request);
  struct Listed {
    core::Client client;
    std::vector<std::string> organizations;  // names as they are now
  };
  // By name. Errors: permission_denied.
  Result<std::vector<Listed>> list(const Actor& actor);
  // Errors: permission_denied; conflict (there is no client of this name).
  Result<core::Revision> remove(const Actor& actor, std::string_view name);

  // Whose secret `text` is. Errors: token_unknown. Cost: one hash; no I/O.
  Result<ProvenClient> authenticate(std::string_view text) const;
  // Whether the client is still there. Cost: no I/O.
  bool is_live(core::ClientId id) const;

 private:
  struct DigestHash {
    size_t operator()(const Digest& digest) const;
  };
  struct Known {
    std::unordered_map<Digest, std::shared_ptr<const core::Client>, DigestHash> by_digest;
    std::unordered_map<core::ClientId, Digest> by_id;
  };
  // Reads all clients and publishes them, unless a later state was published meanwhile.
  Result<void> reload(core::Revision at_least);
  void forget(core::ClientId id);
  void publish(std::vector<store::ClientRow> rows, std::optional<core::Revision> at);

  Dependencies dependencies_;
  mutable Mutex mutex_;
  Known known_ LK_GUARDED_BY(mutex_);
  core::Revision known_at_ LK_GUARDED_BY(mutex_);
};

}  // namespace latchkey::service
