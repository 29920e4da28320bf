// How many bytes may the connections of one server hold in buffers, all together?
//
// Each connection has shares of the budget that grow with its buffers; where one cannot grow, the
// request ends. The first few KiB of a connection are free, so that small requests are served
// whatever large ones hold; connections_max bounds those. docs/spec/http.md, H47.
// Thread safety: MemoryBudget from any thread; a MemoryShare as its connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace latchkey::http {

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Whether `bytes` more were given. Nothing is given in part.
  bool take(uint64_t bytes) {
    const uint64_t before = used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (before + bytes <= bytes_max_) return true;
    give_back(bytes);
    return false;
  }
  void give_back(uint64_t bytes) { used_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  // Whether more than half is used: nobody should keep what is not needed now.
  bool is_short() const { return used_bytes() > bytes_max_ / 2; }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> used_bytes_{0};
};

// What one buffer has of a budget; given back at the end.
class MemoryShare {
 public:
  explicit MemoryShare(std::shared_ptr<MemoryBudget> budget) : budget_(std::move(budget)) {}
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;
  ~MemoryShare() { budget_->give_back(bytes_); }

  // Makes the share `bytes` large; false, and it is as it was, when the budget has not so much.
  [[nodiscard]] bool resize(uint64_t bytes) {
    if (bytes > bytes_ && !budget_->take(bytes - bytes_)) return false;
    if (bytes < bytes_) budget_->give_back(bytes_ - bytes);
    bytes_ = bytes;
    return true;
  }
  void clear() { (void)resize(0); }  // a smaller one is always given
  const MemoryBudget& budget() const { return *budget_; }

 private:
  const std::shared_ptr<MemoryBudget> budget_;
  uint64_t bytes_ = 0;
};

}  // namespace latchkey::http
