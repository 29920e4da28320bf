#include "service/last_use.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace latchkey::service {
namespace {

constexpr Milliseconds kSameUse = std::chrono::minutes(1);
constexpr size_t kTextMax = 256;     // bytes of an address or a user agent
constexpr size_t kBatchMax = 5'000;  // rows of one transaction, so that changes need not wait long

bool same_use(const core::LastUse& kept, Instant at, std::string_view address) {
  return at < kept.at + kSameUse && kept.address == address;
}

}  // namespace

LastUseRecorder::Shard& LastUseRecorder::shard_of(core::TokenId token) const {
  return shards_[std::hash<core::TokenId>()(token) % kShards];
}

void LastUseRecorder::note(core::TokenId token, Instant at, std::string_view address,
                           std::string_view user_agent) {
  address = address.substr(0, kTextMax);
  user_agent = user_agent.substr(0, kTextMax);
  Shard& shard = shard_of(token);
  const MutexLock lock(shard.mutex);
  const auto found = shard.uses.find(token);
  if (found == shard.uses.end()) {
    // A full recorder forgets uses rather than growing; flush() makes room.
    if (shard.uses.size() >= std::max<size_t>(entries_max_ / kShards, 1)) return;
    shard.uses.emplace(token, core::LastUse{at, std::string(address), std::string(user_agent)});
    return;
  }
  core::LastUse& kept = found->second;
  if (at < kept.at || same_use(kept, at, address)) return;
  kept.at = at;
  kept.address.assign(address);
  kept.user_agent.assign(user_agent);
}

Result<void> LastUseRecorder::flush(store::Store& store) {
  // Copied, so that no lock is held while the store writes and find() still sees every use.
  std::vector<store::TokenUse> uses;
  for (const Shard& shard : shards_) {
    {
      const MutexLock lock(shard.mutex);
      for (const auto& [token, use] : shard.uses) uses.push_back({token, use});
    }
    while (uses.size() >= kBatchMax) {
      const std::vector<store::TokenUse> batch(uses.end() - kBatchMax, uses.end());
      LK_CHECK(write(store, batch));
      uses.resize(uses.size() - kBatchMax);
    }
  }
  return uses.empty() ? Result<void>() : write(store, uses);
}

Result<void> LastUseRecorder::write(store::Store& store,
                                    const std::vector<store::TokenUse>& batch) {
  LK_CHECK(store.write_aside(
      [&batch](store::WriteTx& tx) { return store::upsert_last_uses(tx, batch); }));
  for (const auto& [token, use] : batch) {
    Shard& shard = shard_of(token);
    const MutexLock lock(shard.mutex);
    const auto found = shard.uses.find(token);
    // A newer use that came meanwhile waits for the next flush.
    if (found != shard.uses.end() && found->second.at == use.at &&
        found->second.address == use.address) {
      shard.uses.erase(found);
    }
  }
  return {};
}

std::optional<core::LastUse> LastUseRecorder::find(core::TokenId token) const {
  const Shard& shard = shard_of(token);
  const MutexLock lock(shard.mutex);
  const auto found = shard.uses.find(token);
  return found == shard.uses.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace latchkey::service
