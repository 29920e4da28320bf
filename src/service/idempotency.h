// Whether a change with an Idempotency-Key was done before, and what it gave.
//
// The change, its event and the key's digest are one transaction, and bodies run one after the
// other, so of any number of requests with one key one makes the change and the others find it. The
// digests are made under the digest keys, outside the database; a row that was found without its
// secret, or whose token has changed since, is an error that names the token: never a second one.
// Thread safety: any thread. Spec: docs/spec/idempotency.md.
#pragma once

#include "core/idempotency_key.h"
#include "service/dependencies.h"
#include "service/issued_secrets.h"
#include "store/idempotency_rows.h"

namespace latchkey::service {

// A change that is to be done once: the canonical bytes of its key and of what it asks.
struct KeyedChange {
  core::PersonId person;
  Bytes key;
  Bytes request;
};

class Idempotency {
 public:
  static constexpr Milliseconds kKeyLife = std::chrono::hours(24);
  struct Limits {
    int keys_of_person_max = 10'000;  // within kKeyLife
    IssuedSecrets::Limits secrets;
  };
  Idempotency(const Dependencies& dependencies, const Limits& limits)
      : dependencies_(dependencies),
        limits_(limits),
        secrets_(dependencies.clock, dependencies.entropy, limits.secrets) {}

  // What `change` gave when it was done; nothing when it was not. REQUIRES: the caller may do it.
  // Errors: idempotency_key_reused (it was another change), token_secret_gone (`detail`: the
  //         token), store_unavailable.
  Result<std::optional<IssuedToken>> find(store::WriteTx& tx, const KeyedChange& change);
  // Notes in its transaction that `change` gave `issued`.
  // Errors: too_many_attempts (too many keys; `detail`: seconds to wait), internal,
  //         store_unavailable.
  Result<void> remember(store::WriteTx& tx, const KeyedChange& change, const IssuedToken& issued);

  // Forgets the secrets whose time is over.
  void forget_secrets() { secrets_.forget_old(); }
  // Deletes the keys whose time is over, in batches. Errors: store_unavailable.
  Result<void> forget_keys();

 private:
  struct Found {
    store::IdempotencyRow row;
    bool is_same = false;  // what is asked
  };
  Result<std::optional<Found>> find_row(store::ReadTx& tx, const KeyedChange& change);

  const Dependencies dependencies_;
  const Limits limits_;
  IssuedSecrets secrets_;
};

}  // namespace latchkey::service
