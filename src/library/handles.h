// What the handles of the C interface hold, and how its errors are told.
//
// Each function of the interface runs its body through guarded(), so nothing that is thrown crosses
// the border. Thread safety: const members from any thread. Documented in docs/library.md.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/one_way_clock.h"
#include "gate/guarded_routes.h"
#include "latchkey/latchkey.h"
#include "verify/remote_verifier.h"

struct lk_requirement {
  latchkey::verify::ScopeRequirement scopes;
};

struct lk_verifier {
  latchkey::SystemClock system_clock;
  latchkey::OneWayClock clock{system_clock};
  std::unique_ptr<latchkey::verify::RemoteVerifier> remote;
  std::jthread follower;  // ends first: it uses the rest

  latchkey::verify::Moment now() const { return {clock.now(), clock.ticks()}; }
};

struct lk_routes {
  const latchkey::core::ScopeCatalog& catalog;
  latchkey::gate::GuardedRoutes routes;
  std::vector<lk_requirement> requirements;  // one for each operation
};

namespace latchkey::library {

lk_result result_of(ErrorCode code);

// Copies as much of `text` as fits, on whole characters, and ends it.
template <size_t n>
void put(char (&out)[n], std::string_view text) {
  size_t size = std::min(text.size(), n - 1);
  // Not within a character of several bytes.
  while (size < text.size() && size > 0 && (text[size] & 0xc0) == 0x80) --size;
  std::memcpy(out, text.data(), size);
  out[size] = '\0';
}

// Whether the caller's structure is of this version or a later one.
template <class T>
bool is_whole(const T* value) {
  return value != nullptr && value->size >= sizeof(T);
}

inline lk_result fail(lk_error* error, lk_result result, std::string_view message) {
  if (is_whole(error)) put(error->message, message);
  return result;
}
inline lk_result fail(lk_error* error, const Error& why) {
  return fail(error, result_of(why.code), why.message);
}

// What `body` returns, or LK_INTERNAL for what it throws.
template <class Body>
lk_result guarded(lk_error* error, const Body& body) noexcept {
  try {
    return body();
  } catch (...) {
    return fail(error, LK_INTERNAL, "An internal error occurred.");
  }
}

}  // namespace latchkey::library
