#include "base/text.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

using Parts = std::vector<std::string_view>;

TEST(AsciiCase, ChangesLettersOfAsciiOnly) {
  EXPECT_EQ(ascii_lower("AZaz09@[`{"), "azaz09@[`{");
  EXPECT_EQ(ascii_lower("Ä"), "Ä");
  EXPECT_TRUE(ascii_equal_ignoring_case("Contoso", "cONTOSO"));
  EXPECT_FALSE(ascii_equal_ignoring_case("contoso", "contosos"));
  EXPECT_FALSE(ascii_equal_ignoring_case("Ä", "ä"));
  EXPECT_FALSE(ascii_equal_ignoring_case("[", "{"));
  EXPECT_TRUE(ascii_starts_with_ignoring_case("Bearer x", "bearer "));
  EXPECT_FALSE(ascii_starts_with_ignoring_case("Bear", "bearer "));
  EXPECT_TRUE(ascii_starts_with_ignoring_case("", ""));
  EXPECT_TRUE(is_ascii_letter('Z') && is_ascii_letter('a'));
  EXPECT_FALSE(is_ascii_letter('@') || is_ascii_letter('[') || is_ascii_letter('\xc4'));
}

TEST(Trim, CutsSpacesAndTabsAtTheEnds) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\na"), "\na");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(split(",a,,b,", ','), (Parts{"", "a", "", "b", ""}));
  EXPECT_EQ(split("", ','), (Parts{""}));
}

TEST(Utf8, AcceptsTheEdgesOfEachLength) {
  for (const std::string_view text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

// Unicode 15, table 3-7.
TEST(Utf8, RefusesWhatIsNotWellFormed) {
  for (const std::string_view text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf",
        "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "a\x80", "\xc3\xa4\xc3"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(count_code_points(""), 0u);
  EXPECT_EQ(count_code_points("aä€\xf0\x9f\x94\x91"), 4u);
}

TEST(ControlCharacter, IsFoundAtEachEdge) {
  for (const std::string_view text : {"\x01", "\x1f", "\x7f", "a\n", "\xc2\x80", "\xc2\x9f",
                                      "\xe2\x80\xa8", "\xe2\x80\xa9", "ok\tno"}) {
    EXPECT_TRUE(has_control_character(text)) << text;
  }
  EXPECT_TRUE(has_control_character(std::string_view("a\0", 2)));
  for (const std::string_view text :
       {"", " ", "~", "\xc2\xa0", "\xe2\x80\xa7", "\xe2\x80\xaa", "Zoë 日本 \xf0\x9f\x94\x91"}) {
    EXPECT_FALSE(has_control_character(text)) << text;
  }
}

// Text is read in words of eight bytes where it can be: each byte, at each place in and after them.
TEST(ControlCharacter, IsFoundAtEachPlaceAmongOtherText) {
  for (size_t size = 1; size <= 20; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, '~');
        text[place] = static_cast<char>(byte);
        ASSERT_EQ(is_utf8(text), byte < 0x80) << byte << " at " << place << " of " << size;
        if (byte >= 0x80) continue;
        ASSERT_EQ(has_control_character(text), byte < 0x20 || byte == 0x7f)
            << byte << " at " << place << " of " << size;
      }
    }
  }
  const std::string plain(16, ' ');
  EXPECT_TRUE(has_control_character(plain + "\xc2\x80" + plain));
  EXPECT_FALSE(has_control_character(plain + "\xc2\xa0" + plain));
  EXPECT_TRUE(has_control_character(plain + "\xc2\xa0" + plain + "\n" + plain));
}

TEST(ParseUnsigned, TakesOneTextForEachNumber) {
  EXPECT_EQ(parse_unsigned("0"), 0u);
  EXPECT_EQ(parse_unsigned("100"), 100u);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), 18446744073709551615u);
  for (const std::string_view text : {"", "-1", "+1", " 1", "1 ", "01", "00", "1.0", "1e3", "0x1",
                                      "18446744073709551616", "a", "-0"}) {
    EXPECT_FALSE(parse_unsigned(text)) << text;
  }
}

TEST(PercentDecode, DecodesAndRefusesHalfEscapes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%2f", PlusSign::literal), "a b/c/");
  EXPECT_EQ(percent_decode("%c3%A4", PlusSign::literal), "ä");
  EXPECT_EQ(percent_decode("%00", PlusSign::literal), std::string(1, '\0'));
  EXPECT_EQ(percent_decode("%2541", PlusSign::literal), "%41") << "once, not twice";
  EXPECT_EQ(percent_decode("a+b", PlusSign::literal), "a+b");
  EXPECT_EQ(percent_decode("a+b%2B", PlusSign::space), "a b+");
  EXPECT_EQ(percent_decode("", PlusSign::space), "");
  for (const std::string_view text :
       {"%", "%4", "a%", "a%4", "%g0", "%0g", "%%41", "% 41", "%-1"}) {
    EXPECT_FALSE(percent_decode(text, PlusSign::literal)) << text;
  }
}

TEST(PercentEncode, LeavesUnreservedOnly) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/ä%+"), "a%20b%2F%C3%A4%25%2B");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all), PlusSign::space), all);
}

}  // namespace
}  // namespace latchkey
