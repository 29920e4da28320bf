// Finds what is known about a token by the digest of its text: the index's one large table.
//
// 16 shards of 256-byte buckets of seven entries. An entry is never removed and, but for one word
// that is replaced atomically, never changed; so a reader waits for nobody. A shard that is full is
// copied into a larger one, which is published whole. docs/decisions/0004-token-table.md has the
// layout, the arithmetic and what else was tried.
// Of the digest, 80 bits are compared. They are keyed, so nobody can aim at them: a guess is taken
// for one of N tokens with a probability of N / 2^80. Thread safety: find() from any thread within
// a Guard; all else from one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/result.h"
#include "core/ids.h"
#include "verify/read_protection.h"

namespace latchkey::verify {

enum class EntryState { live, revoked, retired };

struct TokenEntry {
  core::TokenId id;
  uint32_t membership = 0;  // below kMembershipsMax
  uint32_t scope_set = 0;   // below kScopeSetsMax; 0 unless live
  Instant valid_to;         // 1970 if not live; a time that does not fit is the nearest that does
  EntryState state = EntryState::live;
};

// An entry as it lies in the table, for an image of it. Its bytes mean something to the same layout
// only (kTokenRecordLayout).
struct TokenRecord {
  uint64_t tag = 0;
  uint64_t packed = 0;
  core::TokenId id;
  uint32_t membership = 0;
  uint32_t check = 0;
};
inline constexpr uint32_t kTokenRecordLayout = 1;

class TokenTable {
 public:
  static constexpr uint32_t kMembershipsMax = 1u << 24;
  static constexpr uint32_t kScopeSetsMax = (1u << 22) - 2;

  // Whether put() leaves room for more of the kind, or is frugal. A table that is loaded is not yet
  // seen by readers and is brought to its size by fit() in the end.
  enum class Growth { loading, frugal };

  explicit TokenTable(ReadProtection& protection);
  ~TokenTable();
  TokenTable(const TokenTable&) = delete;
  TokenTable& operator=(const TokenTable&) = delete;

  // Cost: one cache line to see that there is none; allocates nothing.
  std::optional<TokenEntry> find(const Digest& digest) const;

  // Adds or changes what stands for `digest`. Cost: now and then copies a shard.
  // Errors: integrity_violated (two tokens with one digest).
  Result<void> put(const Digest& digest, const TokenEntry& entry, Growth growth);
  // Gives each shard the size for what it holds.
  void fit();

  // How many entries `shard` has room for. From any thread within a Guard.
  uint64_t capacity(size_t shard) const;
  // Appends the entries of `shard` whose tags lie from `first` to `last` to `records`, those that
  // come meanwhile perhaps. From any thread within a Guard. Cost: a walk over the buckets of this
  // range.
  void copy(size_t shard, uint64_t first, uint64_t last, std::vector<TokenRecord>& records) const;
  // Gives an empty shard the size for `entries`, and adds one of what copy() gave, in that order.
  // Errors: integrity_violated (no record of a table: a number that is not below `memberships` or
  //         `scope_sets`, or one more than there is room for).
  struct RecordBounds {
    uint32_t memberships = 0;
    uint32_t scope_sets = 0;
  };
  void reserve(size_t shard, uint64_t entries);
  Result<void> put_record(size_t shard, const TokenRecord& record, const RecordBounds& bounds);

  uint64_t size() const { return size_; }
  uint64_t memory_bytes() const;

  static constexpr size_t kShards = 16;

 private:
  struct Bucket;
  struct Buckets;
  struct Key;
  struct Place;
  struct Shard {
    std::atomic<Buckets*> published{nullptr};
    std::unique_ptr<Buckets> owned;
    uint64_t used = 0;
  };

  static Key make_key(const Digest& digest);
  static Place locate(Buckets& buckets, const Key& key);
  static void insert(Buckets& buckets, const TokenRecord& record);
  void resize(Shard& shard, uint64_t bucket_count);

  ReadProtection& protection_;
  std::array<Shard, kShards> shards_;
  uint64_t size_ = 0;
};

}  // namespace latchkey::verify
