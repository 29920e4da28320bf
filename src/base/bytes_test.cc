#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/entropy.h"

namespace latchkey {
namespace {

Bytes bytes(std::string_view text) { return Bytes(text.begin(), text.end()); }

struct Base64Case {
  std::string_view plain, standard, url;
};

// RFC 4648 section 10, and bytes that use the last two letters of the alphabets.
constexpr Base64Case kCases[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
};

TEST(Base64, WritesAndReadsTheVectors) {
  for (const auto& [plain, standard, url] : kCases) {
    EXPECT_EQ(format_base64(as_bytes(plain)), standard);
    EXPECT_EQ(parse_base64(standard), bytes(plain));
    EXPECT_EQ(format_base64url(as_bytes(plain)), url);
    EXPECT_EQ(parse_base64url(url), bytes(plain));
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const std::string_view text :
       {"Zg=",          "Zg",       "Zg===",  "=",     "==",   "====",   "A===", "Zm9v=",
        "Zm9vYg==Zm9v", "Zg==Zg==", "Zg==\n", " Zg==", "Zm 9", "Zm\n9",  "Zm-_", "Z",
        "Zm9vY",        "Zh==",     "Zi==",   "Zm9=",  "Zm+=", "Zm9\xff"}) {
    EXPECT_FALSE(parse_base64(text)) << text;
  }
  EXPECT_FALSE(parse_base64(std::string_view("Zm9\0", 4)));
}

TEST(Base64Url, RefusesWhatIsNotCanonical) {
  for (const std::string_view text :
       {"Zg==", "Zm8=", "Z", "Zm9vY", "Zh", "Zm9", "Zm+/", "Zg ", "\nZg"}) {
    EXPECT_FALSE(parse_base64url(text)) << text;
  }
}

// Of all two-letter texts exactly one decodes to each byte.
TEST(Base64Url, OneTextForEachByte) {
  int accepted = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      const auto parsed = parse_base64url(text);
      if (!parsed) continue;
      ++accepted;
      EXPECT_EQ(format_base64url(*parsed), text);
    }
  }
  EXPECT_EQ(accepted, 256);
}

TEST(Base64, RoundTripsRandomBytes) {
  SeededEntropy entropy(1);
  for (size_t size = 0; size < 100; ++size) {
    Bytes random(size);
    ASSERT_TRUE(entropy.fill(random));
    EXPECT_EQ(parse_base64(format_base64(random)), random);
    EXPECT_EQ(parse_base64url(format_base64url(random)), random);
    EXPECT_EQ(parse_hex(format_hex(random)), random);
  }
}

// Groups of four are read at once: a character of no meaning is seen at each place of them.
TEST(Base64, RefusesAnyOtherCharacterAnywhere) {
  const std::string good = "Zm9vYmFyZm9v";
  for (size_t place = 0; place < good.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[place] = static_cast<char>(byte);
      const auto parsed = parse_base64(text);
      const char c = text[place];
      const bool has_meaning = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                               (c >= '0' && c <= '9') || c == '+' || c == '/';
      ASSERT_EQ(parsed.has_value(), has_meaning) << byte << " at " << place;
      ASSERT_EQ(parsed ? format_base64(*parsed) : text, text);
    }
  }
}

TEST(Base64, ReadsIntoABufferThatJustFits) {
  char out[3];
  EXPECT_EQ(parse_base64("Zm9v", out), 3u);
  EXPECT_EQ(std::string_view(out, 3), "foo");
  EXPECT_EQ(parse_base64("Zg==", out), 1u);
  EXPECT_EQ(parse_base64("", out), 0u);
  EXPECT_FALSE(parse_base64("Zm9vYg==", out));
  EXPECT_FALSE(parse_base64("Zm9v\n", out));
  EXPECT_FALSE(parse_base64("Zh==", out));
}

TEST(Hex, WritesLowerCaseAndReadsOnlyThat) {
  const Bytes all = {0x00, 0x0f, 0xa0, 0xff};
  EXPECT_EQ(format_hex(all), "000fa0ff");
  EXPECT_EQ(parse_hex("000fa0ff"), all);
  EXPECT_EQ(parse_hex(""), Bytes());
  for (const std::string_view text : {"0", "000", "0G", "g0", "FF", "0x", " 0", "0\n", "-1"}) {
    EXPECT_FALSE(parse_hex(text)) << text;
  }
}

}  // namespace
}  // namespace latchkey
