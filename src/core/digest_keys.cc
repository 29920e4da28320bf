#include "core/digest_keys.h"

#include "base/assert.h"

namespace latchkey::core {

DigestKeys::DigestKeys(std::vector<std::pair<DigestKeyId, Hmac>> keys, DigestKeyId current)
    : keys_(std::move(keys)), current_(current) {
  LK_ASSERT(find(current) != nullptr);
}

const Hmac* DigestKeys::find(DigestKeyId id) const {
  for (const auto& [key_id, key] : keys_) {
    if (key_id == id) return &key;
  }
  return nullptr;
}

std::vector<DigestKeyId> DigestKeys::ids() const {
  std::vector<DigestKeyId> ids;
  for (const auto& [id, key] : keys_) ids.push_back(id);
  return ids;
}

}  // namespace latchkey::core
