#include "core/idempotency_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/vectors_for_test.h"

namespace latchkey::core {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const json::value& vectors() {
  static const json::value document = load_vectors("idempotency.json");
  return document;
}

std::optional<Instant> valid_to_of(const json::value& vector) {
  if (!vector.as_object().contains("validTo")) return std::nullopt;
  return instant_of(vector, "validTo");
}

IdempotencyKey key_of(std::string_view header) { return *IdempotencyKey::parse(header); }

TEST(IdempotencyKey, ReadsTheVectors) {
  for (const json::value& vector : cases(vectors(), "good")) {
    const auto key = IdempotencyKey::parse(text_of(vector, "header"));
    ASSERT_TRUE(key) << text_of(vector, "name") << ": " << key.error().message;
    EXPECT_EQ(key->text(), text_of(vector, "key")) << text_of(vector, "name");
  }
}

TEST(IdempotencyKey, RefusesTheBadOnesAndNamesHeaderAndRule) {
  for (const json::value& vector : cases(vectors(), "bad")) {
    const auto key = IdempotencyKey::parse(text_of(vector, "header"));
    ASSERT_FALSE(key) << text_of(vector, "header");
    EXPECT_EQ(key.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(key.error().field, "Idempotency-Key");
    EXPECT_THAT(key.error().message, StartsWith("'Idempotency-Key' m"));
    const bool is_empty = text_of(vector, "rule") == "empty";
    EXPECT_EQ(key.error().message == "'Idempotency-Key' must not be empty.", is_empty)
        << text_of(vector, "header");
  }
  EXPECT_THAT(IdempotencyKey::parse(std::string(256, 'k')).error().message,
              HasSubstr("at most 255 characters"));
  EXPECT_FALSE(IdempotencyKey::parse(std::string_view("a\0b", 3)));
}

TEST(IdempotencyKey, HasTheBytesOfTheVectors) {
  for (const json::value& vector : cases(vectors(), "keyBytes")) {
    const IdempotencyScope scope{*parse_id<PersonId>(text_of(vector, "person")),
                                 *parse_id<OrganizationId>(text_of(vector, "organization")),
                                 static_cast<IdempotentOperation>(number_of(vector, "operation"))};
    EXPECT_EQ(idempotency_key_bytes(scope, key_of(text_of(vector, "key"))),
              bytes_of(vector, "bytes"));
  }
  for (const json::value& vector : cases(vectors(), "createBytes")) {
    const CreateToken request{.display_name = text_of(vector, "displayName"),
                              .scope = text_of(vector, "scope"),
                              .valid_to = valid_to_of(vector),
                              .all_organizations = member(vector, "allOrgs").as_bool()};
    EXPECT_EQ(idempotent_request_bytes(request), bytes_of(vector, "bytes"));
  }
  for (const json::value& vector : cases(vectors(), "regenerateBytes")) {
    const auto id = *parse_id<TokenId>(text_of(vector, "authorizationId"));
    EXPECT_EQ(idempotent_request_bytes(id, valid_to_of(vector)), bytes_of(vector, "bytes"));
  }
}

TEST(IdempotencyKey, IsAnotherKeyForAnotherPersonOrganizationOrOperation) {
  const IdempotencyScope scope{PersonId{Uuid{{1}}}, OrganizationId{Uuid{{2}}},
                               IdempotentOperation::create_token};
  const Bytes bytes = idempotency_key_bytes(scope, key_of("k"));
  IdempotencyScope other = scope;
  other.person = PersonId{Uuid{{3}}};
  EXPECT_NE(idempotency_key_bytes(other, key_of("k")), bytes);
  other = scope;
  other.organization = OrganizationId{Uuid{{3}}};
  EXPECT_NE(idempotency_key_bytes(other, key_of("k")), bytes);
  other = scope;
  other.operation = IdempotentOperation::regenerate_token;
  EXPECT_NE(idempotency_key_bytes(other, key_of("k")), bytes);
  EXPECT_NE(idempotency_key_bytes(scope, key_of("K")), bytes);
  EXPECT_EQ(idempotency_key_bytes(scope, key_of("\"k\"")), bytes);
}

}  // namespace
}  // namespace latchkey::core
