// What a restore does to the state that it brings back, before a server runs on it.
//
// Always: a new epoch, an event that tells of it, and the end of every session and one-time link,
// because those that were ended or used since the backup would be good again. If asked: what was
// revoked, disabled or taken away since is so again; never is anything given back.
// Thread safety: one thread; nobody else uses the store. Spec: docs/spec/store.md, S24 to S29.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/role.h"
#include "store/store.h"

namespace latchkey::service {

// What the events after a backup say of what was there before it.
struct ChangesSince {
  using MemberId = std::pair<core::OrganizationId, core::PersonId>;

  uint64_t events = 0;
  std::set<core::TokenId> tokens_made;
  std::set<core::TokenId> tokens_changed;    // revoked, regenerated or edited
  std::set<core::PersonId> people_disabled;  // at any time since, even if enabled again
  std::set<core::PersonId> people_off;       // disabled at the end
  std::set<core::PersonId> passwords_changed;
  std::set<core::OrganizationId> organizations_deleted;  // at any time since
  std::set<core::OrganizationId> organizations_off;      // deleted at the end
  std::map<MemberId, core::Role> roles;                  // that were changed, at the end
  std::set<MemberId> members_changed;                    // role changed, or removed
  std::set<MemberId> members_removed;                    // removed since, even if added again
  std::set<core::ClientId> clients_removed;
  // Takes in the next event. Errors: integrity_violated (its data has another form).
  Result<void> add(const core::Event& event);
};

enum class SinceBackup { keep, revoke_changed, revoke_all };

// What was done, by ids.
struct RestorationReport {
  core::Epoch epoch;
  std::vector<core::TokenId> tokens_revoked;
  std::vector<core::PersonId> people_disabled;
  std::vector<core::PersonId> passwords_removed;
  std::vector<core::OrganizationId> organizations_deleted;
  std::vector<ChangesSince::MemberId> members_removed;
  std::vector<ChangesSince::MemberId> roles_changed;
  std::vector<core::ClientId> clients_removed;
  std::vector<core::OrganizationId> without_owner;  // active, and nobody active owns it now
};

struct RestorationDependencies {
  store::Store& store;
  Entropy& entropy;
};
// Begins a new epoch in the store of `dependencies`, whose head is that of the backup, and does
// what `choice` says; `changes` counts for revoke_changed only.
// Errors: those of the store. What was done then is to be thrown away.
Result<RestorationReport> restore_state(const RestorationDependencies& dependencies,
                                        SinceBackup choice, const ChangesSince& changes);

}  // namespace latchkey::service
