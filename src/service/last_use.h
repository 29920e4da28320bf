// When and from where tokens are used, gathered in memory and written in batches.
//
// note() runs in every checked request: it keeps the newest use of a token, at most `entries_max`
// of them, and never waits for a disk. flush() writes what changed to a side table; a crash loses
// at most one interval of it. Thread safety: any thread.
#pragma once

#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "core/token.h"
#include "store/store.h"
#include "store/token_rows.h"

namespace latchkey::service {

class LastUseRecorder {
 public:
  explicit LastUseRecorder(size_t entries_max = 1'000'000) : entries_max_(entries_max) {}

  // Keeps the use; one of the same token within a minute from the same address is not kept again.
  void note(core::TokenId token, Instant at, std::string_view address, std::string_view user_agent);
  // Writes what was noted since the last flush. Errors: store_unavailable (kept for the next time).
  Result<void> flush(store::Store& store);
  // The noted use of `token` that is not flushed yet, if any.
  std::optional<core::LastUse> find(core::TokenId token) const;

 private:
  static constexpr size_t kShards = 16;
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<core::TokenId, core::LastUse> uses LK_GUARDED_BY(mutex);
  };
  Shard& shard_of(core::TokenId token) const;
  // Writes `batch` in one transaction and forgets what of it is not newer by now.
  Result<void> write(store::Store& store, const std::vector<store::TokenUse>& batch);

  const size_t entries_max_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace latchkey::service
