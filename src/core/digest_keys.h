// The keys that token texts are digested under, by the id that stands in each text.
//
// One key is current: new tokens take it. Older ones stay so that their tokens keep working.
// Thread safety: immutable after construction. Spec: docs/spec/token-format.md.
#pragma once

#include <utility>
#include <vector>

#include "base/crypto.h"
#include "core/token_text.h"

namespace latchkey::core {

class DigestKeys {
 public:
  // REQUIRES: `keys` is not empty and holds `current`; no id stands twice.
  DigestKeys(std::vector<std::pair<DigestKeyId, Hmac>> keys, DigestKeyId current);

  DigestKeyId current_id() const { return current_; }
  // Null for an id that is not, or no longer, here. Cost: a scan over the few keys there are.
  const Hmac* find(DigestKeyId id) const;
  // In the order in which they came.
  std::vector<DigestKeyId> ids() const;

 private:
  std::vector<std::pair<DigestKeyId, Hmac>> keys_;
  DigestKeyId current_;
};

}  // namespace latchkey::core
