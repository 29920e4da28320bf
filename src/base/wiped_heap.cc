#include "base/wiped_heap.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

#include "base/secret.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LK_SANITIZER_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LK_SANITIZER_HEAP 1
#endif
#endif

#ifdef LK_SANITIZER_HEAP

// Of sanitizer/allocator_interface.h, which gcc does not bring.
extern "C" size_t __sanitizer_get_allocated_size(const volatile void* block);
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           size_t),
                                                         void (*on_free)(const volatile void*));

namespace latchkey {
namespace {

void on_malloc(const volatile void*, size_t) {}

void on_free(const volatile void* block) {
  wipe(const_cast<void*>(block), __sanitizer_get_allocated_size(block));
}

}  // namespace

void wipe_freed_memory() { __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free); }

}  // namespace latchkey

#else

namespace latchkey {
namespace {

void give_back(void* block) noexcept {
  if (block == nullptr) return;
  wipe(block, malloc_usable_size(block));
  std::free(block);
}

}  // namespace

void wipe_freed_memory() {}

}  // namespace latchkey

// The library's `operator new` takes from malloc and aligned_alloc, so free() takes back from both.
// The forms with a size, an alignment or nothrow are all of them: none calls another. Weak, so that
// a test may count with its own.
[[gnu::weak]] void operator delete(void* block) noexcept { latchkey::give_back(block); }
[[gnu::weak]] void operator delete[](void* block) noexcept { latchkey::give_back(block); }
[[gnu::weak]] void operator delete(void* block, size_t) noexcept { latchkey::give_back(block); }
[[gnu::weak]] void operator delete[](void* block, size_t) noexcept { latchkey::give_back(block); }
[[gnu::weak]] void operator delete(void* block, std::align_val_t) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete[](void* block, std::align_val_t) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete(void* block, size_t, std::align_val_t) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete[](void* block, size_t, std::align_val_t) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete(void* block, const std::nothrow_t&) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete[](void* block, const std::nothrow_t&) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  latchkey::give_back(block);
}
[[gnu::weak]] void operator delete[](void* block, std::align_val_t,
                                     const std::nothrow_t&) noexcept {
  latchkey::give_back(block);
}

#endif
