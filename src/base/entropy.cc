#include "base/entropy.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/crypto.h"

namespace latchkey {

Result<void> SystemEntropy::fill(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      std::fill(out.begin(), out.end(), uint8_t{0});
      return Error(ErrorCode::internal, "The system's random generator failed.");
    }
    done += static_cast<size_t>(got);
  }
  return {};
}

Result<void> SeededEntropy::fill(std::span<uint8_t> out) {
  MutexLock lock(mutex_);
  size_t done = 0;
  while (done < out.size()) {
    uint8_t block[16];
    std::memcpy(block, &seed_, 8);
    std::memcpy(block + 8, &counter_, 8);
    ++counter_;
    const Digest digest = sha256(block);
    const size_t take = std::min(out.size() - done, digest.size());
    std::memcpy(out.data() + done, digest.data(), take);
    done += take;
  }
  return {};
}

}  // namespace latchkey
