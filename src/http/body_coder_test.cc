#include "http/body_coder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace latchkey::http {
namespace {

using Output = BodyCoder::Output;

// What is written for `input` that comes in pieces; after "|" what is no part of the body.
std::string code(BodyCoder coder, const std::string& input, size_t piece) {
  std::string written;
  for (size_t at = 0; at < input.size() && !coder.is_done(); at += piece) {
    const std::string read = input.substr(at, piece);
    std::string space(BodyCoder::kRoomBefore, '#');
    space += read + std::string(BodyCoder::kRoomBehind, '#');
    const auto coded = coder.encode({space.data() + BodyCoder::kRoomBefore, read.size()});
    written += coded.bytes;
    if (coded.is_malformed) return written + "!";
    if (coder.is_done()) return written + "|" + std::string(coded.rest);
  }
  BodyCoder::Piece last;
  if (coder.take_end(last)) return written + std::string(last.bytes) + "|";
  return written + (coder.is_done() ? "|" : "...");
}

TEST(BodyCoder, LengthStaysLength) {
  EXPECT_EQ(code(BodyCoder(BodyFraming::length, 5, Output::plain), "hellonext", 3), "hello|n");
  EXPECT_EQ(code(BodyCoder(BodyFraming::length, 5, Output::plain), "hellonext", 99), "hello|next");
  EXPECT_EQ(code(BodyCoder(BodyFraming::length, 5, Output::plain), "hel", 99), "hel...");
  EXPECT_TRUE(BodyCoder(BodyFraming::length, 0, Output::plain).is_done());
  EXPECT_TRUE(BodyCoder().is_done());
}

TEST(BodyCoder, ChunksBecomeOtherChunks) {
  const std::string input = "5;x\r\nhello\r\n1\r\n!\r\n0\r\nT: t\r\n\r\nnext";
  EXPECT_EQ(code(BodyCoder(BodyFraming::chunked, 0, Output::chunked), input, 99),
            "6\r\nhello!\r\n0\r\n\r\n|next");
  EXPECT_EQ(code(BodyCoder(BodyFraming::chunked, 0, Output::plain), input, 99), "hello!|next");
  EXPECT_EQ(code(BodyCoder(BodyFraming::chunked, 0, Output::chunked), "5\r\nhel", 99),
            "3\r\nhel\r\n...");
  EXPECT_EQ(code(BodyCoder(BodyFraming::chunked, 0, Output::chunked), "x", 99), "!");
}

TEST(BodyCoder, ChunksOfAnyCutAreTheSameBody) {
  const std::string input = "5;x\r\nhello\r\n1\r\n!\r\n0\r\nT: t\r\n\r\n";
  for (size_t piece = 1; piece <= input.size(); ++piece) {
    const std::string coded =
        code(BodyCoder(BodyFraming::chunked, 0, Output::chunked), input, piece);
    ASSERT_TRUE(coded.ends_with("|")) << piece;
    EXPECT_EQ(code(BodyCoder(BodyFraming::chunked, 0, Output::plain),
                   coded.substr(0, coded.size() - 1), 99),
              "hello!|")
        << piece;
  }
}

// The last chunk is written where the input's own stood, and must not touch what follows.
TEST(BodyCoder, ShortestEndLeavesWhatFollows) {
  for (int size_bytes = 1; size_bytes < 40; ++size_bytes) {
    const std::string data(static_cast<size_t>(size_bytes), 'd');
    char line[16];
    snprintf(line, sizeof line, "%x\r\n", size_bytes);
    const std::string coded = code(BodyCoder(BodyFraming::chunked, 0, Output::chunked),
                                   line + data + "\r\n0\r\n\r\nNEXT", 1000);
    EXPECT_EQ(coded, line + data + "\r\n0\r\n\r\n|NEXT");
  }
}

TEST(BodyCoder, EndOfTheConnectionIsTheEndOnlyWhereItMayBe) {
  EXPECT_EQ(code(BodyCoder(BodyFraming::until_close, 0, Output::chunked), "hello", 3),
            "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n|");
  EXPECT_EQ(code(BodyCoder(BodyFraming::until_close, 0, Output::plain), "hello", 3), "hello|");
  BodyCoder::Piece piece;
  BodyCoder length(BodyFraming::length, 5, Output::plain);
  EXPECT_FALSE(length.take_end(piece));
}

}  // namespace
}  // namespace latchkey::http
