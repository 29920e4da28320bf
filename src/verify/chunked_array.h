// A growing array whose elements never move, so that readers need no protection from growth.
//
// The writer adds an element, fills it and then tells its number to readers through a release store
// elsewhere; a reader that has the number may read the element. Elements are never removed.
// Thread safety: one writer; operator[] from any thread that was told the number.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "base/assert.h"

namespace latchkey::verify {

template <class T, size_t kChunkSize, size_t kChunksMax>
class ChunkedArray {
 public:
  static constexpr size_t kSizeMax = kChunkSize * kChunksMax;

  // The number of a new, value-initialized element. REQUIRES: size() < kSizeMax.
  size_t add() {
    LK_ASSERT(size_ < kSizeMax);
    auto& chunk = chunks_[size_ / kChunkSize];
    if (!chunk) chunk = std::make_unique<T[]>(kChunkSize);
    return size_++;
  }
  T& operator[](size_t number) { return chunks_[number / kChunkSize][number % kChunkSize]; }
  const T& operator[](size_t number) const {
    return chunks_[number / kChunkSize][number % kChunkSize];
  }

  // For the writer.
  size_t size() const { return size_; }
  size_t memory_bytes() const {
    return sizeof(*this) + (size_ + kChunkSize - 1) / kChunkSize * kChunkSize * sizeof(T);
  }

 private:
  std::array<std::unique_ptr<T[]>, kChunksMax> chunks_;
  size_t size_ = 0;
};

}  // namespace latchkey::verify
