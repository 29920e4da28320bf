#include "app/cli_progress.h"

#include <algorithm>
#include <cstdio>

namespace latchkey::app {
namespace {

constexpr uint64_t kBarColumns = 40;

}  // namespace

void ProgressBar::show(uint64_t done, uint64_t total) {
  if (!on_terminal_ || total == 0) return;
  const uint64_t filled = std::min(kBarColumns, done * kBarColumns / total);
  const std::string bar = "\r[" + std::string(filled, '#') +
                          std::string(kBarColumns - filled, '.') + "] " + std::to_string(done) +
                          " of " + std::to_string(total) + " " + std::string(unit_);
  std::fwrite(bar.data(), 1, bar.size(), stderr);
  std::fflush(stderr);
  is_shown_ = true;
}

void ProgressBar::clear() {
  if (is_shown_) std::fputs("\r\x1b[K", stderr);
  is_shown_ = false;
}

}  // namespace latchkey::app
