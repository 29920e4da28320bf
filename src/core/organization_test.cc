#include "core/organization.h"

#include <gtest/gtest.h>

#include "core/vectors_for_test.h"

namespace latchkey::core {
namespace {

TEST(OrganizationName, FollowsVectors) {
  const json::value document = load_vectors("organizations.json");
  for (const json::value& text : cases(document, "names")) {
    EXPECT_TRUE(check_organization_name(as_text(text)).has_value()) << as_text(text);
  }
  for (const json::value& vector : cases(document, "badNames")) {
    const auto result = check_organization_name(text_of(vector, "text"));
    ASSERT_FALSE(result.has_value()) << text_of(vector, "rule") << ": " << text_of(vector, "text");
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(result.error().field, "name");
  }
  EXPECT_FALSE(check_organization_name("fabri\xffkam").has_value());
}

TEST(OrganizationName, IsComparedWithoutCase) {
  EXPECT_EQ(organization_key("Fabrikam"), organization_key("fABRIKAM"));
  EXPECT_NE(organization_key("fabrikam"), organization_key("fabrikam1"));
}

TEST(OrganizationRecover, EndsAtExactly28Days) {
  Organization organization;
  const Instant deleted_at{1'795'000'000'000};
  EXPECT_EQ(decide_recover(organization, deleted_at).error().code, ErrorCode::conflict);
  organization.state = OrganizationState::deleted;
  organization.deleted_at = deleted_at;
  const Instant end = deleted_at + std::chrono::hours(28 * 24);
  EXPECT_TRUE(decide_recover(organization, deleted_at).has_value());
  EXPECT_TRUE(decide_recover(organization, end - Milliseconds(1)).has_value());
  ASSERT_FALSE(decide_recover(organization, end).has_value());
  EXPECT_EQ(decide_recover(organization, end).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace latchkey::core
