// Counts of latencies, kept so that any percentile is known to within 0.8 %.
//
// A value of n bits goes to a bucket by its highest seven bits, as HdrHistogram does it: each
// doubling has 128 buckets. Adding is a few instructions and never allocates. Thread safety: one
// thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace latchkey::bench {

class Histogram {
 public:
  void add(uint64_t value) {
    ++counts_[index_of(value)];
    ++total_;
    if (value > max_) max_ = value;
  }
  void clear() { *this = Histogram(); }
  uint64_t total() const { return total_; }
  uint64_t max() const { return max_; }

  // The value that the share `part` (0 to 1) of all values does not exceed; 0 if there are none.
  uint64_t percentile(double part) const {
    auto wanted = static_cast<uint64_t>(part * static_cast<double>(total_) + 0.5);
    if (wanted == 0) wanted = 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted) return std::min(max_, upper_end(i));
    }
    return max_;
  }

 private:
  static constexpr int kBits = 7;
  static constexpr uint64_t kEach = uint64_t{1} << kBits;

  static size_t index_of(uint64_t value) {
    const int shift = static_cast<int>(std::bit_width(value)) - kBits - 1;
    if (shift <= 0) return static_cast<size_t>(value);
    return static_cast<size_t>(static_cast<uint64_t>(shift) * kEach + (value >> shift));
  }
  static uint64_t upper_end(size_t index) {
    if (index < 2 * kEach) return index;
    const uint64_t shift = index / kEach - 1;
    return ((index - shift * kEach + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - kBits + 1) * kEach> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace latchkey::bench
