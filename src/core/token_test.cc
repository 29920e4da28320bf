#include "core/token.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

namespace latchkey::core {
namespace {

Uuid uuid_of(uint8_t last) {
  Uuid uuid;
  uuid.bytes[15] = last;
  return uuid;
}

Hmac row_key(uint8_t first) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = first;
  return Hmac(SecretKey(bytes));
}

Token some_token() {
  Token token;
  token.id = {uuid_of(1)};
  token.organization = {uuid_of(2)};
  token.owner = {uuid_of(3)};
  token.display_name = "build";
  token.scope = "vso.code vso.work";
  token.valid_from = {1'000};
  token.valid_to = {2'000};
  token.key_id = {{'A', 'B'}};
  token.digest[0] = 7;
  return token;
}

std::string mac_of(const Token& token) { return format_hex(token_row_mac(row_key(1), token)); }

TEST(TokenRowMac, ChangesWithEveryField) {
  const std::vector<std::function<void(Token&)>> changes = {
      [](Token& t) { t.id = {uuid_of(9)}; },
      [](Token& t) { t.organization = {uuid_of(9)}; },
      [](Token& t) { t.owner = {uuid_of(9)}; },
      [](Token& t) { t.display_name = "builD"; },
      [](Token& t) { t.scope = "app_token"; },
      [](Token& t) { t.valid_from.ms += 1; },
      [](Token& t) { t.valid_to.ms += 1; },
      [](Token& t) { t.valid_to.ms = int64_t{1} << 60; },
      [](Token& t) { t.state = TokenState::revoked; },
      [](Token& t) { t.revoked_at = Instant{0}; },
      [](Token& t) { t.revoked_at = Instant{1'500}; },
      [](Token& t) {
        t.key_id = {{'A', 'C'}};
      },
      [](Token& t) { t.digest[0] = 8; },
      [](Token& t) { t.digest[31] = 1; },
      [](Token& t) { t.generation = 2; },
      [](Token& t) { std::swap(t.organization.uuid, t.owner.uuid); },
      [](Token& t) { std::swap(t.valid_from, t.valid_to); },
      [](Token& t) { std::swap(t.display_name, t.scope); },
      // The same bytes, cut at another place.
      [](Token& t) { t.display_name = "buil", t.scope = "dvso.code vso.work"; },
      [](Token& t) { t.display_name = "buildvso.code vso.work", t.scope = ""; },
  };
  std::set<std::string> seen = {mac_of(some_token())};
  for (size_t i = 0; i < changes.size(); ++i) {
    Token token = some_token();
    changes[i](token);
    EXPECT_TRUE(seen.insert(mac_of(token)).second) << "change " << i;
  }
}

TEST(TokenRowMac, DependsOnTheKeyAndOnNothingElse) {
  EXPECT_EQ(mac_of(some_token()), mac_of(some_token()));
  EXPECT_NE(token_row_mac(row_key(1), some_token()), token_row_mac(row_key(2), some_token()));
}

// The form is stored: a change of it would refuse every row. Computed by a second implementation of
// docs/spec/row-mac.md.
TEST(TokenRowMac, IsTheKnownOne) {
  EXPECT_EQ(mac_of(some_token()),
            "95af549ba0f0d33abe6e4aaa1521cccbf6b1fe491dba43bb03acb69596f062a7");
  Token revoked = some_token();
  revoked.state = TokenState::revoked;
  revoked.revoked_at = Instant{1'500};
  EXPECT_EQ(mac_of(revoked), "a3dbff057189c6e2a20b4f2aebe99a4ba252b538e7df90374e4f75632e4fc48b");
}

}  // namespace
}  // namespace latchkey::core
