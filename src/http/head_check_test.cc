#include "http/head_check.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::http {
namespace {

// RFC 9110 section 5.5: a value has visible characters, spaces, tabs and bytes beyond ASCII.
bool may_stand_in_a_value(int byte) { return byte == '\t' || (byte >= 0x20 && byte != 0x7f); }

// Values are read in words of eight bytes where they can be: each byte, at each place.
TEST(HeadCheck, KnowsEachByteAtEachPlaceOfAValue) {
  for (size_t size = 1; size <= 20; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string value(size, '~');
        value[place] = static_cast<char>(byte);
        ASSERT_EQ(is_header_value(value), may_stand_in_a_value(byte))
            << byte << " at " << place << " of " << size;
        if (byte == '\n') continue;  // ends the line, and what follows is none
        HeadCheck check;
        const std::string head = "GET / HTTP/1.1\r\nX:" + value + "\r\n\r\n";
        ASSERT_EQ(check.advance(head, Limits()).status, may_stand_in_a_value(byte) ? 0 : 400)
            << byte << " at " << place << " of " << size;
      }
    }
  }
}

}  // namespace
}  // namespace latchkey::http
