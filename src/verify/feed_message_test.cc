#include "verify/feed_message.h"

#include <gtest/gtest.h>

#include "verify/catalog_message.h"
#include "verify/feed_for_test.h"

namespace latchkey::verify {
namespace {

using core::DigestKeyId;

SecretKey key_of(uint8_t byte) {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes;
  bytes.fill(byte);
  return SecretKey(bytes);
}

const auto kOrganization = id_for_test<core::OrganizationId>(1);
const auto kOther = id_for_test<core::OrganizationId>(2);
const auto kPerson = id_for_test<core::PersonId>(3);

FeedMessage some_message() {
  FeedMessage message;
  message.deployment.bytes[0] = 7;
  message.position = {id_for_test<core::Epoch>(9), {258}};
  message.mark = 0xfedc'ba98'7654'3210;
  message.current_after = Milliseconds(-1'234);
  FeedKeys& keys = message.keys.emplace();
  keys.staleness_max = Milliseconds(1000);
  keys.current = DigestKeyId{{'A', 'B'}};
  keys.keys.emplace_back(DigestKeyId{{'A', 'A'}}, key_of(1));
  keys.keys.emplace_back(DigestKeyId{{'A', 'B'}}, key_of(2));
  message.next = "t.0a-9";
  message.more = true;
  Digest digest{};
  digest[0] = 5;
  message.items = {
      OrganizationItem{kOrganization, "fabrikam", true},
      OrganizationItem{kOther, "contoso", false},
      MembershipItem{kOrganization, kPerson, true, core::ScopeSet::all()},
      MembershipItem{kOther, kPerson, false, {}},
      TokenItem{id_for_test<core::TokenId>(4), kOrganization, kPerson, digest,
                scopes_for_test({0, 63, 64, 255}), Instant{-5}, core::TokenState::live},
      TokenItem{id_for_test<core::TokenId>(5), kOther, kPerson, digest, scopes_for_test({1}),
                Instant{1'772'366'400'000}, core::TokenState::revoked},
      RetiredDigestItem{id_for_test<core::TokenId>(4), kOrganization, kPerson, digest},
  };
  return message;
}

TEST(FeedMessage, ReadsBackWhatWasWritten) {
  const std::string bytes = encode(some_message());
  const auto read = decode_feed_message(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->deployment, some_message().deployment);
  EXPECT_EQ(read->position, some_message().position);
  EXPECT_EQ(read->mark, 0xfedc'ba98'7654'3210);
  EXPECT_EQ(read->current_after, Milliseconds(-1'234));
  EXPECT_EQ(read->next, "t.0a-9");
  EXPECT_TRUE(read->more);
  ASSERT_TRUE(read->keys);
  EXPECT_EQ(name_keys(*read->keys), "AB:AA.AB");
  EXPECT_EQ(read->keys->staleness_max, Milliseconds(1000));
  EXPECT_EQ(read->keys->provider.text(), "LKEY");
  const auto key = read->keys->keys[1].second.reveal(RevealSecret{});
  EXPECT_TRUE(std::all_of(key.begin(), key.end(), [](uint8_t byte) { return byte == 2; }));
  ASSERT_EQ(read->items.size(), 7u);
  const auto& token = std::get<TokenItem>(read->items[4]);
  EXPECT_EQ(token.id, id_for_test<core::TokenId>(4));
  EXPECT_EQ(token.organization, kOrganization);
  EXPECT_EQ(token.owner, kPerson);
  EXPECT_EQ(token.digest[0], 5);
  EXPECT_EQ(token.scopes, scopes_for_test({0, 63, 64, 255}));
  EXPECT_EQ(token.valid_to, Instant{-5});
  EXPECT_EQ(std::get<TokenItem>(read->items[5]).state, core::TokenState::revoked);
  EXPECT_EQ(std::get<MembershipItem>(read->items[2]).mask, core::ScopeSet::all());
  EXPECT_FALSE(std::get<MembershipItem>(read->items[3]).active);
  EXPECT_EQ(std::get<OrganizationItem>(read->items[0]).name_key, "fabrikam");
  EXPECT_EQ(std::get<RetiredDigestItem>(read->items[6]).organization, kOrganization);
  EXPECT_EQ(encode(*read), bytes);
}

TEST(FeedMessage, TheSameIsToldToWhoAskedAtAnotherMoment) {
  FeedMessage message = some_message();
  for (const int64_t ms : {int64_t{0}, int64_t{250}, int64_t{-1'000}}) {
    message.current_after = Milliseconds(ms);
    EXPECT_EQ(with_current_after(encode(some_message()), Milliseconds(ms)), encode(message));
  }
  const auto read = [&](int64_t ms) {
    message.current_after = Milliseconds(ms);
    return decode_feed_message(encode(message))->current_after.count();
  };
  // Further away is as good as the furthest that there is.
  EXPECT_EQ(read(int64_t{1} << 40), INT32_MAX);
  EXPECT_EQ(read(-(int64_t{1} << 40)), INT32_MIN);
}

TEST(FeedMessage, OfNothingIsSmall) {
  FeedMessage message;
  EXPECT_EQ(encode(message).size(), 70u);
  const auto read = decode_feed_message(encode(message));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->keys);
  EXPECT_TRUE(read->items.empty());
}

TEST(FeedMessage, CutAnywhereOrLongerIsRefused) {
  const std::string bytes = encode(some_message());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto read = decode_feed_message(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::request_malformed);
  }
  EXPECT_FALSE(decode_feed_message(bytes + '\0'));
}

TEST(FeedMessage, AnotherVersionFlagKindOrReferenceIsRefused) {
  const auto with = [](size_t at, char value) {
    std::string bytes = encode(some_message());
    bytes[at] = value;
    const auto read = decode_feed_message(bytes);
    return read ? std::string() : read.error().message;
  };
  EXPECT_NE(with(0, 'X').find("does not begin"), std::string::npos);
  EXPECT_NE(with(4, 1).find("another version"), std::string::npos);
  EXPECT_NE(with(57, 8).find("flag"), std::string::npos);
  FeedMessage message;
  message.items = {MembershipItem{kOrganization, kPerson, true, {}}};
  const std::string good = encode(message);
  ASSERT_TRUE(decode_feed_message(good));
  const size_t item = good.size() - 26;
  for (const auto& [at, value] : {std::pair<size_t, char>{item, 0},
                                  {item, 5},
                                  {item + 4, 1},
                                  {item + 21, 2},
                                  {item + 25, 1}}) {
    std::string bytes = good;
    bytes[at] = value;
    EXPECT_FALSE(decode_feed_message(bytes)) << at;
  }
}

TEST(FeedMessage, CountsAreBoundByWhatWasSent) {
  FeedMessage message;
  std::string bytes = encode(message);
  for (size_t at : {58u, 62u, 66u}) {
    std::string huge = bytes;
    huge[at] = huge[at + 1] = huge[at + 2] = huge[at + 3] = '\xff';
    EXPECT_FALSE(decode_feed_message(huge));
    huge = bytes;
    huge[at + 3] = 1;
    EXPECT_FALSE(decode_feed_message(huge));
  }
}

TEST(FeedMessage, KeysMustHoldTheCurrentOneAndEachOnce) {
  FeedMessage message = some_message();
  message.items.clear();
  message.keys->current = DigestKeyId{{'Z', 'Z'}};
  EXPECT_FALSE(decode_feed_message(encode(message)));
  message = some_message();
  message.keys->keys.emplace_back(DigestKeyId{{'A', 'A'}}, key_of(3));
  EXPECT_FALSE(decode_feed_message(encode(message)));
}

TEST(CatalogMessage, ReadsBackWhatWasWritten) {
  const auto catalog = core::ScopeCatalog::built_in();
  const auto read = parse_catalog(format_catalog(catalog));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->scopes().size(), catalog.scopes().size());
  for (size_t i = 0; i < catalog.scopes().size(); ++i) {
    const core::Scope& scope = catalog.scopes()[i];
    EXPECT_EQ(read->scopes()[i].identifier, scope.identifier);
    EXPECT_EQ(read->scopes()[i].number, scope.number);
    EXPECT_EQ(read->scopes()[i].closure, scope.closure);
    EXPECT_EQ(read->scopes()[i].grantable, scope.grantable);
  }
  for (const char* bad : {"", "[]", "{}", R"({"scopes":[],"numbers":[]})", R"({"scopes":{}})"}) {
    EXPECT_FALSE(parse_catalog(bad)) << bad;
  }
}

}  // namespace
}  // namespace latchkey::verify
