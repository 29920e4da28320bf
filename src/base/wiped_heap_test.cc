#include "base/wiped_heap.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace latchkey {
namespace {

constexpr size_t kBlockBytes = 300;
// The allocator keeps its lists in the first bytes of a free block.
constexpr size_t kListBytes = 16;

// The bytes at `address`, read as a debugger reads them: the block may have been given back.
std::string bytes_at(uintptr_t address) {
  std::string bytes(kBlockBytes, '?');
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  const ssize_t got = pread(memory, bytes.data(), bytes.size(), static_cast<off_t>(address));
  close(memory);
  EXPECT_EQ(got, static_cast<ssize_t>(kBlockBytes));
  return bytes;
}

template <class Make>
void expect_wiped(Make make) {
  wipe_freed_memory();
  auto block = make();
  std::fill_n(reinterpret_cast<char*>(block.get()), kBlockBytes, 's');
  const auto address = reinterpret_cast<uintptr_t>(block.get());
  ASSERT_EQ(bytes_at(address), std::string(kBlockBytes, 's'));
  block.reset();
  EXPECT_EQ(bytes_at(address).find('s', kListBytes), std::string::npos);
}

TEST(WipedHeap, ABlockThatIsGivenBackHoldsNothing) {
  expect_wiped([] { return std::make_unique<std::array<char, kBlockBytes>>(); });
}

TEST(WipedHeap, SoDoesAnArray) {
  expect_wiped([] { return std::make_unique<char[]>(kBlockBytes); });
}

TEST(WipedHeap, SoDoesAnAlignedBlock) {
  struct alignas(64) Aligned {
    std::array<char, kBlockBytes> bytes;
  };
  expect_wiped([] { return std::make_unique<Aligned>(); });
}

TEST(WipedHeap, SoDoesTheOldPlaceOfATextThatGrew) {
  wipe_freed_memory();
  std::string text(kBlockBytes, 's');
  const auto address = reinterpret_cast<uintptr_t>(text.data());
  text.append(10 * kBlockBytes, 't');
  EXPECT_EQ(bytes_at(address).find('s', kListBytes), std::string::npos);
}

}  // namespace
}  // namespace latchkey
