#include "verify/token_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "verify/page_array.h"

namespace latchkey::verify {
namespace {

constexpr size_t kEntries = 7;  // a bucket
constexpr uint32_t kOverflowed = 1;
constexpr int64_t kEpochMs = 1'577'836'800'000;  // 2020-01-01T00:00:00Z
constexpr int kExpiryBits = 42;
constexpr int kScopeSetBits = 22;
constexpr uint64_t kScopeSetMask = (uint64_t{1} << kScopeSetBits) - 1;
// Two scope set numbers stand for the states that need none.
constexpr uint64_t kRevoked = TokenTable::kScopeSetsMax;
constexpr uint64_t kRetired = TokenTable::kScopeSetsMax + 1;

constexpr uint64_t kBucketsMin = 16;  // one page
// Fill of a shard, in percent of its entries: at most, and after it was fitted or grew.
constexpr uint64_t kFillMax = 88;
constexpr uint64_t kFillFitted = 82;

__extension__ typedef unsigned __int128 Uint128;

template <class T>
T load_acquire(T& word) {
  return std::atomic_ref<T>(word).load(std::memory_order_acquire);
}

template <class T>
void store_release(T& word, T value) {
  std::atomic_ref<T>(word).store(value, std::memory_order_release);
}

// State, scope set and expiry in one word, so that a change is one store.
uint64_t pack(const TokenEntry& entry) {
  switch (entry.state) {
    case EntryState::revoked: return kRevoked;
    case EntryState::retired: return kRetired;
    case EntryState::live: break;
  }
  LK_ASSERT(entry.scope_set < TokenTable::kScopeSetsMax);
  const int64_t last = (int64_t{1} << kExpiryBits) - 1;
  const int64_t since =
      std::clamp<int64_t>(entry.valid_to.ms, kEpochMs, kEpochMs + last) - kEpochMs;
  return static_cast<uint64_t>(since) << kScopeSetBits | entry.scope_set;
}

void unpack(uint64_t packed, TokenEntry& entry) {
  const uint64_t scope_set = packed & kScopeSetMask;
  if (scope_set >= kRevoked) {
    entry.state = scope_set == kRevoked ? EntryState::revoked : EntryState::retired;
    return;
  }
  entry.scope_set = static_cast<uint32_t>(scope_set);
  entry.valid_to = {static_cast<int64_t>(packed >> kScopeSetBits) + kEpochMs};
}

}  // namespace

// The parts of a digest. The tag also says which bucket is its first, so that a shard can be copied
// into another size without the digests.
struct TokenTable::Key {
  uint64_t tag;    // 64 bits; 0 marks a free entry and is taken for 1
  uint32_t shard;  // 4 bits
  uint32_t check;  // 12 bits: 8 above the membership, 4 in the bucket's flags
};

// Four cache lines. A search reads the first; the others are asked for at the same time.
struct alignas(64) TokenTable::Bucket {
  uint64_t tags[kEntries];  // stored last, with release; 0: free
  uint32_t flags;           // bit 0: something overflowed; bits 4 to 31: four check bits each
  uint32_t memberships[kEntries];  // 24 bits, and 8 check bits above them
  uint64_t packed[kEntries];       // the one word that changes
  core::TokenId ids[kEntries];

  uint32_t check(size_t i, uint32_t flag_bits) const {
    return memberships[i] >> 24 | (flag_bits >> (4 * i + 4) & 15) << 8;
  }
};

struct TokenTable::Buckets {
  explicit Buckets(uint64_t bucket_count)
      : pages(bucket_count * sizeof(Bucket)),
        first(static_cast<Bucket*>(pages.data())),
        count(bucket_count) {}

  Bucket& home(uint64_t tag) const {
    return first[static_cast<uint64_t>(Uint128{tag} * count >> 64)];
  }
  Bucket& after(Bucket& bucket) const {
    return &bucket + 1 == first + count ? *first : *(&bucket + 1);
  }
  uint64_t capacity() const { return count * kEntries; }

  PageArray pages;  // zero: every entry is free
  Bucket* first;
  uint64_t count;
};

// Where a key is.
struct TokenTable::Place {
  Bucket* bucket = nullptr;  // null: nowhere
  size_t entry = 0;
};

TokenTable::TokenTable(ReadProtection& protection) : protection_(protection) {
  static_assert(sizeof(Bucket) == 256);
  for (Shard& shard : shards_) {
    shard.owned = std::make_unique<Buckets>(kBucketsMin);
    shard.published.store(shard.owned.get(), std::memory_order_seq_cst);
  }
}

TokenTable::~TokenTable() = default;

TokenTable::Key TokenTable::make_key(const Digest& digest) {
  Key key{};
  std::memcpy(&key.tag, digest.data(), sizeof key.tag);
  if (key.tag == 0) key.tag = 1;
  key.shard = digest[8] % kShards;
  key.check = digest[9] | (digest[10] & 15u) << 8;
  return key;
}

TokenTable::Place TokenTable::locate(Buckets& buckets, const Key& key) {
  Bucket* bucket = &buckets.home(key.tag);
  for (size_t line = 1; line < 4; ++line) {
    __builtin_prefetch(reinterpret_cast<const char*>(bucket) + 64 * line);
  }
  // Ends: a shard is never full, and only a full bucket is marked as overflowed.
  while (true) {
    // Without a branch for each entry: where a tag stands cannot be predicted.
    unsigned same = 0;
    for (unsigned i = 0; i < kEntries; ++i) {
      same |= unsigned{load_acquire(bucket->tags[i]) == key.tag} << i;
    }
    for (; same != 0; same &= same - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(same));
      if (bucket->check(i, load_acquire(bucket->flags)) == key.check) return {bucket, i};
    }
    if ((load_acquire(bucket->flags) & kOverflowed) == 0) return {};
    bucket = &buckets.after(*bucket);
  }
}

std::optional<TokenEntry> TokenTable::find(const Digest& digest) const {
  const Key key = make_key(digest);
  Buckets& buckets = *shards_[key.shard].published.load(std::memory_order_seq_cst);
  const Place place = locate(buckets, key);
  if (place.bucket == nullptr) return std::nullopt;
  TokenEntry entry;
  entry.id = place.bucket->ids[place.entry];
  entry.membership = place.bucket->memberships[place.entry] % kMembershipsMax;
  unpack(load_acquire(place.bucket->packed[place.entry]), entry);
  return entry;
}

// Writes a key that is not there. The tag comes last: who sees it sees the rest.
void TokenTable::insert(Buckets& buckets, const TokenRecord& record) {
  Bucket* bucket = &buckets.home(record.tag);
  while (true) {
    uint64_t* const end = bucket->tags + kEntries;
    const size_t i = static_cast<size_t>(std::find(bucket->tags, end, uint64_t{0}) - bucket->tags);
    if (i < kEntries) {
      bucket->ids[i] = record.id;
      bucket->memberships[i] = record.membership | (record.check & 255) << 24;
      store_release(bucket->flags, bucket->flags | (record.check >> 8) << (4 * i + 4));
      store_release(bucket->packed[i], record.packed);
      store_release(bucket->tags[i], record.tag);
      return;
    }
    store_release(bucket->flags, bucket->flags | kOverflowed);
    bucket = &buckets.after(*bucket);
  }
}

Result<void> TokenTable::put(const Digest& digest, const TokenEntry& entry, Growth growth) {
  LK_ASSERT(entry.membership < kMembershipsMax);
  const Key key = make_key(digest);
  Shard& shard = shards_[key.shard];
  if (const Place place = locate(*shard.owned, key); place.bucket != nullptr) {
    const bool is_same =
        place.bucket->ids[place.entry] == entry.id &&
        place.bucket->memberships[place.entry] % kMembershipsMax == entry.membership;
    if (!is_same) return Error(ErrorCode::integrity_violated, "Two tokens have one digest.");
    store_release(place.bucket->packed[place.entry], pack(entry));
    return {};
  }
  const uint64_t buckets = shard.owned->count;
  if ((shard.used + 1) * 100 > shard.owned->capacity() * kFillMax) {
    const bool is_small = buckets < 256;
    const uint64_t more = growth == Growth::loading || is_small ? buckets / 2 : buckets / 13;
    resize(shard, buckets + more);
  }
  insert(*shard.owned, {key.tag, pack(entry), entry.id, entry.membership, key.check});
  ++shard.used;
  ++size_;
  return {};
}

uint64_t TokenTable::capacity(size_t shard) const {
  return shards_[shard].published.load(std::memory_order_seq_cst)->capacity();
}

// An entry stands in one place as long as the buckets are the same, so none is met twice.
void TokenTable::copy(size_t shard, uint64_t first, uint64_t last,
                      std::vector<TokenRecord>& records) const {
  const Buckets& buckets = *shards_[shard].published.load(std::memory_order_seq_cst);
  Bucket* const begin = &buckets.home(first);
  Bucket* const end = &buckets.home(last);
  Bucket* bucket = begin;
  bool is_past = false;
  do {
    for (size_t i = 0; i < kEntries; ++i) {
      const uint64_t tag = load_acquire(bucket->tags[i]);
      if (tag == 0) break;
      if (tag < first || tag > last) continue;
      records.push_back({tag, load_acquire(bucket->packed[i]), bucket->ids[i],
                         bucket->memberships[i] % kMembershipsMax,
                         bucket->check(i, load_acquire(bucket->flags))});
    }
    // What did not fit into the last bucket of the range stands behind it.
    is_past = is_past || bucket == end;
    if (is_past && (load_acquire(bucket->flags) & kOverflowed) == 0) return;
    bucket = &buckets.after(*bucket);
  } while (bucket != begin);
}

void TokenTable::reserve(size_t shard, uint64_t entries) {
  LK_ASSERT(shards_[shard].used == 0);
  const uint64_t buckets = entries * 100 / (kEntries * kFillFitted) + 1;
  resize(shards_[shard], std::max(buckets, kBucketsMin));
}

Result<void> TokenTable::put_record(size_t shard_number, const TokenRecord& record,
                                    const RecordBounds& bounds) {
  Shard& shard = shards_[shard_number];
  const uint64_t scope_set = record.packed & kScopeSetMask;
  const bool is_possible = record.tag != 0 && record.membership < bounds.memberships &&
                           (scope_set < bounds.scope_sets || scope_set >= kRevoked) &&
                           record.check < 4096 &&
                           (shard.used + 1) * 100 <= shard.owned->capacity() * kFillMax;
  if (!is_possible) return Error(ErrorCode::integrity_violated, "An entry is none of a table.");
  insert(*shard.owned, record);
  ++shard.used;
  ++size_;
  return {};
}

void TokenTable::fit() {
  for (Shard& shard : shards_) {
    const uint64_t buckets = shard.used * 100 / (kEntries * kFillFitted) + 1;
    resize(shard, std::max(buckets, kBucketsMin));
  }
}

// Copies `shard` into `bucket_count` buckets. The order of buckets is the order of tags in any
// size, so both are walked once from end to end.
void TokenTable::resize(Shard& shard, uint64_t bucket_count) {
  auto larger = std::make_unique<Buckets>(bucket_count);
  LK_ASSERT(shard.used < larger->capacity());
  for (uint64_t b = 0; b < shard.owned->count; ++b) {
    const Bucket& bucket = shard.owned->first[b];
    for (size_t i = 0; i < kEntries && bucket.tags[i] != 0; ++i) {
      insert(*larger, {bucket.tags[i], bucket.packed[i], bucket.ids[i],
                       bucket.memberships[i] % kMembershipsMax, bucket.check(i, bucket.flags)});
    }
  }
  shard.published.store(larger.get(), std::memory_order_seq_cst);
  protection_.synchronize();
  shard.owned = std::move(larger);
}

uint64_t TokenTable::memory_bytes() const {
  uint64_t total = sizeof *this;
  for (const Shard& shard : shards_) total += sizeof(Buckets) + shard.owned->pages.size_bytes();
  return total;
}

}  // namespace latchkey::verify
