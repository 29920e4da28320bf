// Changes the keys of a running server: files, memory and store, step by step.
//
// One change at a time. Each step leaves a state that a start can go on from: what was killed
// between a change of the files and its event is logged by finish_logging(). Thread safety: any
// thread. Spec: docs/spec/keys.md.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "app/keys.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "service/key_changes.h"

namespace latchkey::app {

struct KeyKeeperDependencies {
  Keys& keys;
  service::KeyChanges& changes;
  Clock& clock;
  Entropy& entropy;
  Log& log;
};

// The context of events that nobody asked for at that moment.
core::EventContext system_context();

class KeyKeeper {
 public:
  explicit KeyKeeper(const KeyKeeperDependencies& dependencies) : dependencies_(dependencies) {}

  // Appends the events of changes that were killed before they were logged, and says in the log if
  // the current digest key is old. Called once, at start. Errors: store_unavailable, configuration.
  Result<void> finish_logging();

  // Errors of all: conflict (another change of keys is going on; for a new key, other nodes serve),
  // store_unavailable, configuration.
  //
  // A new current digest key. Errors: conflict (there are too many).
  Result<core::DigestKeyId> rotate_digest_key(const service::Actor& actor);

  struct DigestKey {
    DigestKeyFacts facts;
    service::DigestKeyUse use;
  };
  Result<std::vector<DigestKey>> digest_keys();

  // What retiring `key` would end. Errors: invalid_argument naming `key` (not here), conflict (it
  // is the current one).
  Result<service::DependentTokens> dependents(core::DigestKeyId key, size_t list_max);
  // Revokes some of the tokens that depend on `key`; once there are none, forgets the key.
  struct Retirement {
    uint64_t revoked = 0;
    bool is_done = false;
    core::Revision revision;
  };
  // Errors: as dependents().
  Result<Retirement> retire_some(const service::Actor& actor, core::DigestKeyId key);

  // A new current row key, if the rows are all under the one that is; otherwise the rotation that
  // is going on. What is under the older key is then to be signed anew (RowSigner).
  struct RowRotation {
    core::RowKeyId key;
    bool is_new = false;
  };
  Result<RowRotation> rotate_row_key(const service::Actor& actor);
  std::vector<RowKeyFacts> row_keys() const { return dependencies_.keys.row_key_facts(); }
  // Forgets the row keys that are not current. REQUIRES: nothing is signed with them.
  Result<void> retire_old_row_keys(const core::EventContext& context);

 private:
  Result<void> check_retirable(core::DigestKeyId key) const;
  // Appends the events of all unlogged changes. Whether the newest may have been logged by a
  // process that was killed.
  enum class Newest { is_new, may_be_logged };
  Result<core::Revision> log_changes(const core::EventContext& context, Newest newest);

  KeyKeeperDependencies dependencies_;
  std::atomic<bool> is_changing_{false};
};

}  // namespace latchkey::app
