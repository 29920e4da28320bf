#include "verify/page_array.h"

#include <sys/mman.h>

#include <cstdint>

#include "base/assert.h"

namespace latchkey::verify {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = 2 * 1024 * 1024;

}  // namespace

PageArray::PageArray(size_t size_bytes) : size_((size_bytes + kPage - 1) / kPage * kPage) {
  LK_ASSERT(size_bytes > 0);
  // Mapped with room to begin at a huge page's border; what is before and after is given back.
  const size_t slack = size_ >= kHugePage ? kHugePage : 0;
  void* mapped =
      mmap(nullptr, size_ + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  LK_ASSERT(mapped != MAP_FAILED);
  auto* begin = static_cast<char*>(mapped);
  if (slack != 0) {
    const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
    if (before != 0) munmap(begin, before);
    begin += before;
    if (before != slack) munmap(begin + size_, slack - before);
    madvise(begin, size_, MADV_HUGEPAGE);  // advice only: a kernel without it is slower, not wrong
  }
  data_ = begin;
}

PageArray::~PageArray() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace latchkey::verify
