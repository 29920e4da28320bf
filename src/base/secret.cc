#include "base/secret.h"

#include <sodium.h>

namespace latchkey {

void wipe(void* data, size_t size_bytes) {
  if (size_bytes != 0) sodium_memzero(data, size_bytes);
}

bool constant_time_equal(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  if (a.size() != b.size()) return false;
  return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

SecretText SecretText::take(std::string&& text) {
  SecretText secret(text);
  wipe(text.data(), text.size());
  text.clear();
  return secret;
}

// Short strings live inside the object, so a move copies them: wipe what is left behind.
SecretText::SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) {
  other.clear();
}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  if (this != &other) {
    clear();
    text_ = std::move(other.text_);
    other.clear();
  }
  return *this;
}

bool SecretText::operator==(const SecretText& other) const {
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  return constant_time_equal(bytes(text_), bytes(other.text_));
}

void SecretText::clear() {
  text_.resize(text_.capacity());
  wipe(text_.data(), text_.size());
  text_.clear();
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) {
  wipe(other.bytes_.data(), other.bytes_.size());
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    wipe(other.bytes_.data(), other.bytes_.size());
  }
  return *this;
}

}  // namespace latchkey
