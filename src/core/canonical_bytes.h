// The canonical bytes that a row's MAC is made of: each field after its length.
//
// No part of a field can be taken for a part of the next, and a field that is absent is not one
// that is zero. Thread safety: a value. Spec: docs/spec/row-mac.md, docs/spec/event-log.md (E1,
// E2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "core/ids.h"

namespace latchkey::core {

class CanonicalBytes {
 public:
  CanonicalBytes() { bytes_.reserve(512); }  // what most rows come to
  void add(std::span<const uint8_t> field) {
    add_number_bytes(field.size(), 4);
    bytes_.insert(bytes_.end(), field.begin(), field.end());
  }
  void add(std::string_view field) { add(as_bytes(field)); }
  void add(uint64_t field) {
    add_number_bytes(8, 4);
    add_number_bytes(field, 8);
  }
  void add(Instant field) { add(static_cast<uint64_t>(field.ms)); }
  void add(const std::optional<Instant>& field) {
    if (field)
      add(*field);
    else
      add(std::string_view());
  }
  template <class Tag>
  void add(const Id<Tag>& field) {
    add(std::span<const uint8_t>(field.uuid.bytes));
  }
  template <class Tag>
  void add(const std::optional<Id<Tag>>& field) {
    if (field)
      add(*field);
    else
      add(std::string_view());
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  // The lowest `size_bytes` bytes of `number`, most significant first.
  void add_number_bytes(uint64_t number, size_t size_bytes) {
    for (size_t i = size_bytes; i-- > 0;) bytes_.push_back(static_cast<uint8_t>(number >> (8 * i)));
  }
  Bytes bytes_;
};

}  // namespace latchkey::core
