// How tokens are used, gathered in memory until a batch is delivered.
//
// For each token: the newest use that was allowed, and for each UTC day how many checks were
// allowed and how many refused. At most `entries_max` tokens are kept; what more there would be is
// counted as dropped. take() moves a batch out; one that could not be delivered is given back, and
// what came meanwhile is added to it. Thread safety: any thread; note() waits for no I/O.
// Spec: docs/spec/usage.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "gate/usage.h"

namespace latchkey::gate {

// Days since 1970-01-01, UTC.
struct UsageDay {
  int32_t day = 0;
  uint64_t allowed = 0;
  uint64_t refused = 0;
  friend bool operator==(const UsageDay&, const UsageDay&) = default;
};
int32_t usage_day_of(Instant at);

// What is known of one token.
struct TokenUsage {
  core::TokenId token;
  Instant last_used_at;    // 1970: no allowed use
  std::string address;     // of that use; at most 256 bytes, as user_agent
  std::string user_agent;  // well-formed and without control characters
  std::vector<UsageDay> days;
};

class UsageRecorder final : public UsageSink {
 public:
  static constexpr size_t kTextMax = 256;  // bytes of an address or a user agent
  static constexpr size_t kDaysMax = 8;    // of one token at a time

  explicit UsageRecorder(size_t entries_max = 1'000'000) : entries_max_(entries_max) {}

  void note(const Use& use) noexcept override;
  // Moves out up to `count_max` tokens.
  std::vector<TokenUsage> take(size_t count_max);
  // Takes back what was not delivered.
  void give_back(const std::vector<TokenUsage>& batch);
  // The days of `token` that are not taken yet.
  std::vector<UsageDay> pending(core::TokenId token) const;

  // Uses that were forgotten because there was no room.
  uint64_t dropped() const { return dropped_.load(); }
  uint64_t entries() const { return entries_.load(); }

 private:
  static constexpr size_t kShards = 16;
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<core::TokenId, TokenUsage> tokens LK_GUARDED_BY(mutex);
  };
  Shard& shard_of(core::TokenId token) const;
  // The entry of `token`, or null when there is no room for one.
  TokenUsage* find_or_add(Shard& shard, core::TokenId token) LK_REQUIRES(shard.mutex);

  const size_t entries_max_;
  mutable std::array<Shard, kShards> shards_;
  std::atomic<size_t> next_shard_{0};
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace latchkey::gate
