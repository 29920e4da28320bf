// The texts of tokens that were just issued, for a retry whose first answer was lost.
//
// Kept in memory only, sealed under a key of this process, for ten minutes counted in Ticks, so
// that no step of the clock shortens or lengthens them. When there are too many, of one person or
// in all, the oldest go first: their retry is then told that the text is gone. A restart forgets.
// Thread safety: any thread. Spec: docs/spec/idempotency.md.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/sealed.h"
#include "core/token.h"

namespace latchkey::service {

struct IssuedToken {
  core::Token token;
  SecretText text;
  bool is_replay = false;  // of an earlier change with the same Idempotency-Key
};

class IssuedSecrets {
 public:
  struct Limits {
    Milliseconds life = std::chrono::minutes(10);
    size_t of_person_max = 200;
    size_t all_max = 20'000;
  };
  IssuedSecrets(Clock& clock, Entropy& entropy, const Limits& limits)
      : clock_(clock), entropy_(entropy), limits_(limits) {}

  // Keeps `issued` under `key`, in the place of what was there. Errors: internal (no entropy).
  Result<void> keep(const Digest& key, const IssuedToken& issued);
  // What is kept under `key`, as it was issued.
  std::optional<IssuedToken> find(const Digest& key);
  // Forgets what is over; keep() and find() do too.
  void forget_old();
  size_t size();

 private:
  using Number = uint64_t;  // counts what was kept: the lowest is the oldest
  struct Entry {
    Digest key{};
    core::Token token;
    Bytes sealed;
    Ticks until;
  };
  void forget_old_locked() LK_REQUIRES(mutex_);
  void forget(Number number) LK_REQUIRES(mutex_);
  void make_room(core::PersonId person) LK_REQUIRES(mutex_);

  Clock& clock_;
  Entropy& entropy_;
  const Limits limits_;
  Mutex mutex_;
  std::optional<SealingKey> sealing_key_ LK_GUARDED_BY(mutex_);  // made when it is first needed
  Number last_ LK_GUARDED_BY(mutex_) = 0;
  std::map<Number, Entry> entries_ LK_GUARDED_BY(mutex_);
  std::map<Digest, Number> by_key_ LK_GUARDED_BY(mutex_);
  std::unordered_map<core::PersonId, std::set<Number>> by_person_ LK_GUARDED_BY(mutex_);
};

}  // namespace latchkey::service
