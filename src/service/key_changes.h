// What the store has to do with keys: which tokens depend on one, ending them, events about keys.
//
// The keys themselves are files of app/. A token depends on the digest key that its stored digest
// was made under, for as long as it is live: neither revoked nor expired. No token comes to depend
// on a key that is not current, so what is counted for one can only shrink.
// Thread safety: any thread. Spec: docs/spec/keys.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/token.h"
#include "service/actor.h"
#include "service/dependencies.h"
#include "store/resign.h"

namespace latchkey::service {

struct DigestKeyUse {
  core::DigestKeyId key;
  uint64_t live_tokens = 0;
  Instant latest_expiry;
};

// A token that ends with its key; the names are as they are now.
struct DependentToken {
  core::Token token;
  std::string owner;         // the address
  std::string organization;  // the name
};
struct DependentTokens {
  uint64_t count = 0;
  std::vector<DependentToken> first;
};

class KeyChanges {
 public:
  explicit KeyChanges(const Dependencies& dependencies) : dependencies_(dependencies) {}

  // The keys that live tokens depend on. Errors: store_unavailable. Cost: a walk over all tokens.
  Result<std::vector<DigestKeyUse>> use();
  // The tokens that depend on `key`, the first `list_max` of them with names. Tokens whose row is
  // not ours work under no key and are left out. Errors and cost: as use().
  Result<DependentTokens> dependents(core::DigestKeyId key, size_t list_max);
  // Revokes up to `limit` tokens that depend on `key`, each with its event, so that their owners
  // are told. Returns how many; fewer than `limit` means that none is left.
  // REQUIRES: `key` is not current. Errors: store_unavailable.
  Result<Changed<uint64_t>> revoke_some(const Actor& actor, core::DigestKeyId key, int limit);

  // Signs anew what is not under the current row key among the next rows of a table, in one
  // transaction with its event. Errors: store_unavailable.
  Result<store::ResignedPage> resign_some(const core::EventContext& context,
                                          store::SignedTable table,
                                          const store::RowPosition& after);
  // The same for the head of the log, if it needs it. Returns whether it did.
  Result<bool> resign_head(const core::EventContext& context);
  // Makes sure that a new key is known wherever it is used: keys are files of each node, so no
  // other one may serve while one is made. Errors: conflict (others serve), store_unavailable.
  Result<void> check_alone();
  // How many rows there are that carry a MAC. Errors: store_unavailable. Cost: counts them.
  Result<uint64_t> count_signed_rows();

  // Appends an event about keys. Errors: store_unavailable.
  Result<core::Revision> append(const core::EventContext& context, core::Action action,
                                const std::string& data);
  // Whether the log has that event. Cost: a walk over the log.
  Result<bool> is_logged(core::Action action, const std::string& data);

 private:
  // The ids of live tokens under `key`, after `after`, at most `limit`.
  Result<std::vector<core::TokenId>> list_dependents(core::DigestKeyId key, core::TokenId after,
                                                     size_t limit);

  Dependencies dependencies_;
};

}  // namespace latchkey::service
