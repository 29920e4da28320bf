// A 128-bit identifier in the form that REST clients read: 8-4-4-4-12 lower-case hexadecimal
// digits.
//
// A Uuid names things and is never a secret. RFC 9562. Thread safety: values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"

namespace latchkey {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  bool is_nil() const { return *this == Uuid{}; }
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// A random (version 4) identifier. Errors: internal (no entropy).
Result<Uuid> make_uuid(Entropy& entropy);

std::string format_uuid(const Uuid& uuid);
// The identifier of the 36-character `text`, digits of either case; nothing otherwise.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace latchkey

template <>
struct std::hash<latchkey::Uuid> {
  size_t operator()(const latchkey::Uuid& uuid) const noexcept;
};
