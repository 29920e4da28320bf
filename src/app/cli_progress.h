// A bar on stderr that is drawn over itself, on a terminal only.
//
// Gone when it goes out of scope, so that what is printed next begins a line of its own.
// Thread safety: one thread.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "app/cli_output.h"

namespace latchkey::app {

class ProgressBar {
 public:
  // `unit` is what is counted, such as "events"; it must outlive the bar.
  explicit ProgressBar(std::string_view unit) : unit_(unit) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(uint64_t done, uint64_t total);
  void clear();

 private:
  const std::string_view unit_;
  const bool on_terminal_ = is_terminal(STDERR_FILENO);
  bool is_shown_ = false;
};

}  // namespace latchkey::app
