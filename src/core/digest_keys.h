// The keys that token texts are digested under, by the id that stands in each text.
//
// One key is current: new tokens take it. Older ones stay so that their tokens keep working, until
// they are retired. Keys come and go while checks run: a check takes no lock and counts nothing.
// Thread safety: digest_of(), current_id() and ids() from any thread, changes from one at a time.
// Spec: docs/spec/token-format.md, docs/spec/keys.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "core/token_text.h"

namespace latchkey::core {

// The first id in the order AA, AB, ..., AZ, Aa, ..., 99 that is not among `used`; nothing when
// all 3,844 are.
std::optional<DigestKeyId> first_unused_id(std::span<const DigestKeyId> used);

class DigestKeys {
 public:
  static constexpr size_t kKeysMax = 64;

  // REQUIRES: `keys` holds `current` and at most kKeysMax; no id stands twice.
  DigestKeys(const std::vector<std::pair<DigestKeyId, Hmac>>& keys, DigestKeyId current);
  DigestKeys(const DigestKeys&) = delete;
  DigestKeys& operator=(const DigestKeys&) = delete;

  DigestKeyId current_id() const;
  // What is stored in the place of the token `text`: its HMAC under the key `id`. Nothing for an id
  // that is not, or no longer, here; of a key that is retired at this moment a digest that no token
  // has. Cost: a scan over the few keys there are, and one HMAC; allocates nothing.
  std::optional<Digest> digest_of(DigestKeyId id, std::string_view text) const;
  // In the order in which they came.
  std::vector<DigestKeyId> ids() const;

  // REQUIRES: `id` is not here, and there are fewer than kKeysMax.
  void add(DigestKeyId id, const Hmac& key);
  // REQUIRES: `id` is here.
  void make_current(DigestKeyId id);
  // Forgets and wipes the key. REQUIRES: `id` is here and not current.
  void remove(DigestKeyId id);

 private:
  using Code = uint16_t;  // an id's two characters; 0 is a free slot
  static Code code_of(DigestKeyId id);
  static DigestKeyId id_of(Code code);
  std::optional<size_t> slot_of(Code code) const;

  // A slot's key is written before its code, and the code cleared before the key.
  std::array<std::atomic<Code>, kKeysMax> codes_{};
  std::array<ErasableHmac, kKeysMax> keys_;
  std::atomic<size_t> slots_{0};  // from there on all are free
  std::atomic<Code> current_{0};
};

}  // namespace latchkey::core
