// A set of scopes as the check compares it: 256 bits.
//
// A scope is a permanent number (docs/spec/scopes.md). Implication is not the set's business: the
// catalog closes a set before it is stored in an index. Thread safety: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/assert.h"

namespace latchkey::core {

// 0 to 255; which scope it is, is in the catalog.
struct ScopeNumber {
  uint8_t value = 0;
  friend bool operator==(ScopeNumber, ScopeNumber) = default;
};

class ScopeSet {
 public:
  static constexpr size_t kScopesMax = 256;

  static ScopeSet all() {
    ScopeSet set;
    set.words_.fill(~uint64_t{0});
    return set;
  }
  void add(ScopeNumber scope) { words_[scope.value >> 6] |= uint64_t{1} << (scope.value & 63); }
  bool contains(ScopeNumber scope) const {
    return (words_[scope.value >> 6] >> (scope.value & 63) & 1) != 0;
  }
  bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }
  // Whether any scope is in both.
  bool intersects(const ScopeSet& other) const {
    uint64_t common = 0;
    for (size_t i = 0; i < words_.size(); ++i) common |= words_[i] & other.words_[i];
    return common != 0;
  }
  // Whether every scope of `other` is in this set.
  bool contains_all(const ScopeSet& other) const {
    uint64_t missing = 0;
    for (size_t i = 0; i < words_.size(); ++i) missing |= other.words_[i] & ~words_[i];
    return missing == 0;
  }
  ScopeSet& operator|=(const ScopeSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  ScopeSet& operator&=(const ScopeSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  friend ScopeSet operator|(ScopeSet a, const ScopeSet& b) { return a |= b; }
  friend ScopeSet operator&(ScopeSet a, const ScopeSet& b) { return a &= b; }
  friend bool operator==(const ScopeSet&, const ScopeSet&) = default;

  const std::array<uint64_t, 4>& words() const { return words_; }

 private:
  std::array<uint64_t, 4> words_{};
};

}  // namespace latchkey::core

template <>
struct std::hash<latchkey::core::ScopeSet> {
  size_t operator()(const latchkey::core::ScopeSet& set) const noexcept {
    uint64_t mixed = 0;
    for (const uint64_t word : set.words()) mixed = (mixed ^ word) * 0x9e3779b97f4a7c15ull;
    return mixed ^ (mixed >> 32);
  }
};
