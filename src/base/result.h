// A value, or the reason why there is none.
//
// Result<T> has the member names of std::expected, which Debian 12's compilers do not share yet. It
// must be used: dropping one is a compile error under -Werror. Reading the wrong side is our own
// bug and aborts. Thread safety: as of T.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/error.h"

namespace latchkey {

// A value of type T, or the Error that explains why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // `return token;`
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // `return Error{...};`

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // REQUIRES: has_value().
  T& operator*() & {
    LK_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& operator*() const& {
    LK_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& operator*() && {
    LK_ASSERT(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

  // REQUIRES: !has_value().
  const Error& error() const& {
    LK_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    LK_ASSERT(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& {
    LK_ASSERT(error_);
    return *error_;
  }
  Error&& error() && {
    LK_ASSERT(error_);
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

#define LK_CONCAT_(a, b) a##b
#define LK_CONCAT(a, b) LK_CONCAT_(a, b)

// LK_TRY(auto token, parse_token(text)): declares `token`, or returns the error to the caller.
#define LK_TRY(declaration, expression) \
  LK_TRY_(LK_CONCAT(latchkey_try_, __LINE__), declaration, expression)
#define LK_TRY_(result, declaration, expression) \
  auto result = (expression);                    \
  if (!result) return std::move(result).error(); \
  declaration = *std::move(result)

// LK_CHECK(check_policy(policy, request)): the same, for Result<void>.
#define LK_CHECK(expression)                                     \
  do {                                                           \
    if (auto latchkey_checked = (expression); !latchkey_checked) \
      return std::move(latchkey_checked).error();                \
  } while (false)

}  // namespace latchkey
