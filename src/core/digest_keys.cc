#include "core/digest_keys.h"

#include <algorithm>

#include "base/assert.h"

namespace latchkey::core {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

}  // namespace

std::optional<DigestKeyId> first_unused_id(std::span<const DigestKeyId> used) {
  for (const char first : kDigits) {
    for (const char second : kDigits) {
      const DigestKeyId id{{first, second}};
      if (std::find(used.begin(), used.end(), id) == used.end()) return id;
    }
  }
  return std::nullopt;
}

DigestKeys::DigestKeys(const std::vector<std::pair<DigestKeyId, Hmac>>& keys, DigestKeyId current) {
  for (const auto& [id, key] : keys) add(id, key);
  make_current(current);
}

DigestKeys::Code DigestKeys::code_of(DigestKeyId id) {
  return static_cast<Code>(static_cast<uint8_t>(id.text[0]) << 8 |
                           static_cast<uint8_t>(id.text[1]));
}

DigestKeyId DigestKeys::id_of(Code code) {
  return {{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}};
}

std::optional<size_t> DigestKeys::slot_of(Code code) const {
  const size_t slots = slots_.load(std::memory_order_acquire);
  for (size_t slot = 0; slot < slots; ++slot) {
    if (codes_[slot].load(std::memory_order_acquire) == code) return slot;
  }
  return std::nullopt;
}

DigestKeyId DigestKeys::current_id() const { return id_of(current_.load()); }

std::optional<Digest> DigestKeys::digest_of(DigestKeyId id, std::string_view text) const {
  const auto slot = slot_of(code_of(id));
  if (!slot) return std::nullopt;
  // If the slot is cleared, or even given to another key, meanwhile, the digest is one of no token.
  return keys_[*slot](as_bytes(text));
}

std::vector<DigestKeyId> DigestKeys::ids() const {
  std::vector<DigestKeyId> ids;
  const size_t slots = slots_.load(std::memory_order_acquire);
  for (size_t slot = 0; slot < slots; ++slot) {
    const Code code = codes_[slot].load(std::memory_order_acquire);
    if (code != 0) ids.push_back(id_of(code));
  }
  return ids;
}

void DigestKeys::add(DigestKeyId id, const Hmac& key) {
  LK_ASSERT(!slot_of(code_of(id)));
  const size_t slots = slots_.load(std::memory_order_relaxed);
  size_t slot = 0;
  while (slot < slots && codes_[slot].load(std::memory_order_relaxed) != 0) ++slot;
  LK_ASSERT(slot < kKeysMax);
  keys_[slot].set(key);
  codes_[slot].store(code_of(id), std::memory_order_release);
  if (slot == slots) slots_.store(slots + 1, std::memory_order_release);
}

void DigestKeys::make_current(DigestKeyId id) {
  LK_ASSERT(slot_of(code_of(id)));
  current_.store(code_of(id));
}

void DigestKeys::remove(DigestKeyId id) {
  const auto slot = slot_of(code_of(id));
  LK_ASSERT(slot && current_id() != id);
  codes_[*slot].store(0, std::memory_order_release);
  keys_[*slot].erase();
}

}  // namespace latchkey::core
