#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace latchkey {
namespace {

TEST(ErrorName, IsTheIdentifierAndUnique) {
  EXPECT_EQ(error_name(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_EQ(error_name(ErrorCode::token_expired), "token_expired");
  EXPECT_EQ(error_name(ErrorCode::internal), "internal");
  std::set<std::string_view> names;
  const int last = static_cast<int>(ErrorCode::internal);
  for (int code = 0; code <= last; ++code) {
    const std::string_view name = error_name(static_cast<ErrorCode>(code));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(InvalidField, NamesTheFieldAndTheRule) {
  const Error error = invalid_field("displayName", "must be at most 256 characters long");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_EQ(error.message, "'displayName' must be at most 256 characters long.");
  EXPECT_EQ(error.field, "displayName");
  EXPECT_EQ(error.detail, "");
}

}  // namespace
}  // namespace latchkey
