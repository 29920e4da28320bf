// Text and bytes that must not leak.
//
// Move-only, wiped when they end, compared in constant time, and without operator<< so that one
// cannot reach a log or an error message. Reading one takes a RevealSecret, which is greppable:
// tools/tidy.py holds the list of files that may make one.
// Thread safety: as of std::string.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace latchkey {

// Permission to read a secret. Every place that makes one is found by searching `RevealSecret{`.
struct RevealSecret {
  explicit RevealSecret() = default;
};

// Overwrites `size_bytes` bytes at `data` in a way that the compiler may not leave out.
void wipe(void* data, size_t size_bytes);

// Whether `a` and `b` hold the same bytes. Takes the same time for all contents of one length.
bool constant_time_equal(std::span<const uint8_t> a, std::span<const uint8_t> b);

class SecretText {
 public:
  SecretText() = default;
  // Takes a copy of `text`; wiping the original is the caller's duty.
  explicit SecretText(std::string_view text) : text_(text) {}
  // Takes over `text` and wipes what it leaves behind.
  static SecretText take(std::string&& text);

  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(SecretText&& other) noexcept;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { clear(); }

  bool empty() const { return text_.empty(); }
  size_t size() const { return text_.size(); }
  std::string_view reveal(RevealSecret) const { return text_; }
  // A second copy, for the few owners that need their own (a job handed to another thread).
  SecretText clone() const { return SecretText(text_); }
  bool operator==(const SecretText& other) const;

 private:
  void clear();
  std::string text_;
};

// A key of 256 bits.
class SecretKey {
 public:
  static constexpr size_t kSizeBytes = 32;
  explicit SecretKey(const std::array<uint8_t, kSizeBytes>& bytes) : bytes_(bytes) {}
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey() { wipe(bytes_.data(), bytes_.size()); }

  std::span<const uint8_t, kSizeBytes> reveal(RevealSecret) const { return bytes_; }

 private:
  std::array<uint8_t, kSizeBytes> bytes_;
};

}  // namespace latchkey
