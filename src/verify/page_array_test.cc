#include "verify/page_array.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace latchkey::verify {
namespace {

TEST(PageArray, IsZeroAndWritableFromEndToEnd) {
  for (const size_t size_bytes : {size_t{1}, size_t{4096}, size_t{3} << 20}) {
    const PageArray pages(size_bytes);
    EXPECT_GE(pages.size_bytes(), size_bytes);
    EXPECT_LT(pages.size_bytes(), size_bytes + 4096);
    auto* bytes = static_cast<uint8_t*>(pages.data());
    for (size_t i = 0; i < pages.size_bytes(); i += 512) ASSERT_EQ(bytes[i], 0);
    bytes[0] = bytes[pages.size_bytes() - 1] = 1;
  }
}

TEST(PageArray, LargeOnesBeginAtAHugePage) {
  const PageArray pages(size_t{3} << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pages.data()) % (2 << 20), 0u);
}

TEST(PageArray, MovesItsMemory) {
  PageArray pages(4096);
  void* const data = pages.data();
  PageArray other = std::move(pages);
  EXPECT_EQ(other.data(), data);
  pages = PageArray(8192);
  EXPECT_EQ(pages.size_bytes(), 8192u);
  EXPECT_NE(pages.data(), data);
}

}  // namespace
}  // namespace latchkey::verify
