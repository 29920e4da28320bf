// The keys that rows and the head of the event log are signed with.
//
// New signatures are made under the current key; those under an older one hold for as long as it is
// here, which is until everything is signed anew. A transaction looks through a RowKeyView: it
// knows the keys of its begin, although they may be removed meanwhile, and those that came since.
// So a signature that was right when it was read is right. Thread safety: RowKeys from any thread,
// changes from one at a time; a set is immutable; a view belongs to one thread.
// Spec: docs/spec/keys.md, docs/spec/row-mac.md.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/mutex.h"

namespace latchkey::core {

// Row keys are numbered 1, 2, 3, ... as they are made; the newest is current.
struct RowKeyId {
  uint64_t number = 1;
  friend auto operator<=>(const RowKeyId&, const RowKeyId&) = default;
};

using RowKeyList = std::vector<std::pair<RowKeyId, Hmac>>;

// The keys of one moment, the current one first.
class RowKeySet {
 public:
  // REQUIRES: `keys` is not empty; no id stands twice.
  explicit RowKeySet(RowKeyList keys);
  RowKeyId current_id() const { return keys_.front().first; }
  const Hmac& current() const { return keys_.front().second; }
  const RowKeyList& all() const { return keys_; }

 private:
  RowKeyList keys_;
};

class RowKeys {
 public:
  // REQUIRES: as RowKeySet.
  explicit RowKeys(RowKeyList keys);
  RowKeys(const RowKeys&) = delete;
  RowKeys& operator=(const RowKeys&) = delete;

  std::shared_ptr<const RowKeySet> now() const;
  // Adds the next key, which is current from then on. REQUIRES: its number is the highest.
  void add(RowKeyId id, const Hmac& key);
  // Forgets a key; it is wiped with the last transaction that began before.
  // REQUIRES: `id` is here and not current.
  void remove(RowKeyId id);

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const RowKeySet> set_ LK_GUARDED_BY(mutex_);
};

class RowKeyView {
 public:
  // `keys` outlives the view.
  explicit RowKeyView(const RowKeys& keys) : keys_(keys), begin_(keys.now()) {}

  // What to sign with.
  RowKeyId current_id() const { return begin_->current_id(); }
  const Hmac& current() const { return begin_->current(); }

  // Whether `sign`, a function from a key to what is stored, gives `stored` under the current key,
  // or under any that is here.
  template <class Sign>
  bool is_current(std::span<const uint8_t> stored, const Sign& sign) const {
    return constant_time_equal(sign(current()), stored);
  }
  template <class Sign>
  bool verifies(std::span<const uint8_t> stored, const Sign& sign) const {
    if (verifies_under(*begin_, stored, sign)) return true;
    const auto latest = keys_.now();
    return latest != begin_ && verifies_under(*latest, stored, sign);
  }
  // The numbers of those that are here, for a message: "1, 2".
  std::string numbers() const;

 private:
  template <class Sign>
  static bool verifies_under(const RowKeySet& set, std::span<const uint8_t> stored,
                             const Sign& sign) {
    for (const auto& [id, key] : set.all()) {
      if (constant_time_equal(sign(key), stored)) return true;
    }
    return false;
  }

  const RowKeys& keys_;
  const std::shared_ptr<const RowKeySet> begin_;
};

}  // namespace latchkey::core
