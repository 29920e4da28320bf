// System calls that fail on demand: preloaded (LD_PRELOAD) into the real binary by tests.
//
// FAULTY_SYSTEM names a file that the test maps too: a Control. FAULTY_FOLDER is the folder whose
// files the faults of files are about, so that logs and sockets go on. tests/e2e/faulty.py is the
// other end. Only what SQLite and the server call is here.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// In the order of faulty.py. An errno of 0 lets the call be.
struct Control {
  std::atomic<int64_t> write_errno;
  std::atomic<int64_t> write_halves;  // 1: each write takes half of its bytes
  std::atomic<int64_t> sync_errno;
  std::atomic<int64_t> open_errno;
  std::atomic<int64_t> accept_errno;
  std::atomic<int64_t> clock_offset_ms;
  std::atomic<int64_t> injected;  // how many calls were made to fail or cut short
};

Control* map_control() {
  static Control none{};
  const char* const path = std::getenv("FAULTY_SYSTEM");
  const int file = path ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return &none;
  void* const mapped =
      ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return mapped == MAP_FAILED ? &none : static_cast<Control*>(mapped);
}

std::atomic<Control*> g_control{nullptr};

// Null while it is being mapped, which makes calls of its own.
Control* control() {
  static thread_local bool is_mapping = false;
  Control* known = g_control.load();
  if (known != nullptr || is_mapping) return known;
  is_mapping = true;
  g_control = known = map_control();
  is_mapping = false;
  return known;
}

bool is_in_folder(const char* path) {
  static const char* const folder = std::getenv("FAULTY_FOLDER");
  return folder != nullptr && std::strncmp(path, folder, std::strlen(folder)) == 0;
}

bool is_in_folder(int file) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return is_in_folder(path);
}

using Member = std::atomic<int64_t> Control::*;

// The value of a fault that is on.
int64_t armed(Member member) {
  Control* const known = control();
  return known == nullptr ? 0 : (known->*member).load();
}

int fail(int64_t number) {
  control()->injected.fetch_add(1);
  errno = static_cast<int>(number);
  return -1;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// How much of a write to `file` is let through; -1 when it fails.
ssize_t allowed(int file, size_t size) {
  const int64_t number = armed(&Control::write_errno);
  const bool halves = armed(&Control::write_halves) != 0 && size > 1;
  if ((number == 0 && !halves) || !is_in_folder(file)) return static_cast<ssize_t>(size);
  if (number != 0) return fail(number);
  control()->injected.fetch_add(1);
  return static_cast<ssize_t>(size / 2);
}

int open_checked(const char* name, const char* path, int flags, mode_t mode) {
  const int64_t number = armed(&Control::open_errno);
  if (number != 0 && is_in_folder(path)) return fail(number);
  return next<int(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  const ssize_t some = allowed(file, size);
  return some < 0 ? some : real(file, bytes, static_cast<size_t>(some));
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  const ssize_t some = allowed(file, size);
  return some < 0 ? some : real(file, bytes, static_cast<size_t>(some), offset);
}

int ftruncate64(int file, off64_t size) noexcept {
  static auto* const real = next<int(int, off64_t)>("ftruncate64");
  return allowed(file, 1) < 0 ? -1 : real(file, size);
}

int fdatasync(int file) {
  static auto* const real = next<int(int)>("fdatasync");
  const int64_t number = armed(&Control::sync_errno);
  return number != 0 && is_in_folder(file) ? fail(number) : real(file);
}

int fsync(int file) {
  static auto* const real = next<int(int)>("fsync");
  const int64_t number = armed(&Control::sync_errno);
  return number != 0 && is_in_folder(file) ? fail(number) : real(file);
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_checked("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_checked("open64", path, flags, mode);
}

int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  static auto* const real = next<int(int, sockaddr*, socklen_t*, int)>("accept4");
  const int64_t number = armed(&Control::accept_errno);
  return number != 0 ? fail(number) : real(listener, address, size, flags);
}

int clock_gettime(clockid_t id, timespec* time) noexcept {
  static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(id, time);
  const int64_t offset_ms = id == CLOCK_REALTIME ? armed(&Control::clock_offset_ms) : 0;
  if (result == 0 && offset_ms != 0) {
    const int64_t at_ns = time->tv_nsec + (offset_ms % 1'000) * 1'000'000;
    const int64_t carried = at_ns < 0 ? -1 : at_ns / 1'000'000'000;
    time->tv_sec += offset_ms / 1'000 + carried;
    time->tv_nsec = at_ns - carried * 1'000'000'000;
  }
  return result;
}

}  // extern "C"
