// A growing array whose elements never move, so that readers need no protection from growth.
//
// The writer adds an element, fills it and then tells its number to readers through a release store
// elsewhere; a reader that has the number may read the element. Elements are never removed. Chunks
// of 2 MiB and more lie on huge pages, because a check visits them at random. Thread safety: one
// writer; operator[] from any thread that was told the number.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <type_traits>

#include "base/assert.h"
#include "verify/page_array.h"

namespace latchkey::verify {

template <class T, size_t kChunkSize, size_t kChunksMax>
class ChunkedArray {
  static_assert(std::is_trivially_copyable_v<T>, "an element begins as zero bytes");

 public:
  static constexpr size_t kSizeMax = kChunkSize * kChunksMax;

  // The number of a new element, all zero. REQUIRES: size() < kSizeMax.
  size_t add() {
    LK_ASSERT(size_ < kSizeMax);
    if (size_ % kChunkSize == 0) chunks_[size_ / kChunkSize] = PageArray(kChunkSize * sizeof(T));
    return size_++;
  }
  T& operator[](size_t number) const {
    return static_cast<T*>(chunks_[number / kChunkSize].data())[number % kChunkSize];
  }

  // How many elements a reader may look at that was told no number: those that publish() saw.
  size_t published() const { return published_.load(std::memory_order_acquire); }

  // For the writer. publish() says that all elements are filled.
  void publish() { published_.store(size_, std::memory_order_release); }
  size_t size() const { return size_; }
  size_t memory_bytes() const {
    return sizeof(*this) + (size_ + kChunkSize - 1) / kChunkSize * kChunkSize * sizeof(T);
  }

 private:
  std::array<PageArray, kChunksMax> chunks_;
  size_t size_ = 0;
  std::atomic<size_t> published_{0};
};

}  // namespace latchkey::verify
