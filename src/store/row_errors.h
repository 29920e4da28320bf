// Names of fields for the unique rules of the schema.
//
// An engine names the columns or the index of a broken rule; callers know the field of a form.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace latchkey::store {

// `changed`, with the field of an already_exists error that names `column` replaced by `field`.
inline Result<int64_t> with_field(Result<int64_t> changed, std::string_view column,
                                  std::string_view field) {
  if (changed || changed.error().code != ErrorCode::already_exists) return changed;
  if (changed.error().field.find(column) == std::string::npos) return changed;
  const std::string message = "'" + std::string(field) + "' is taken. Choose another one.";
  return Error(ErrorCode::already_exists, message, std::string(field));
}

// The same for rows that must be there: our own bug if `changed` is none.
inline Result<void> expect_one(const Result<int64_t>& changed) {
  if (!changed) return changed.error();
  LK_ASSERT(*changed > 0);
  return {};
}

}  // namespace latchkey::store
