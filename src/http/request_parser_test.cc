#include "http/request_parser.h"

#include <gtest/gtest.h>

#include "http/server.h"

namespace latchkey::http {
namespace {

struct Body {
  int status = 0;
  bool done = false;
  std::string text;
};

// Reads the chunked `bytes` as they arrive: up to `cut`, and then the rest.
Body read_cut(std::string_view bytes, size_t cut) {
  constexpr std::string_view kHead =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Limits limits;
  RequestParser parser;
  ParsedHead head;
  EXPECT_FALSE(parser.parse_head(kHead, limits, head));
  EXPECT_TRUE(head.chunked);
  Body body;
  const ChunkStep first = parser.parse_chunks(bytes.substr(0, cut), limits, body.text);
  if (first.refusal) return {first.refusal.status, false, {}};
  const ChunkStep rest = parser.parse_chunks(bytes.substr(first.consumed_bytes), limits, body.text);
  body.status = rest.refusal.status;
  body.done = rest.done;
  return body;
}

// Found by fuzzing: Beast asserts that it never sees four bytes of an empty body.
TEST(ParseChunks, EmptyBodyInPieces) {
  constexpr std::string_view kBytes = "0\r\n\r\n";
  constexpr std::string_view kHead =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Limits limits;
  RequestParser parser;
  ParsedHead head;
  ASSERT_FALSE(parser.parse_head(kHead, limits, head));
  std::string body;
  size_t consumed = 0;
  for (size_t end = 1; end <= kBytes.size(); ++end) {
    const ChunkStep step =
        parser.parse_chunks(kBytes.substr(consumed, end - consumed), limits, body);
    ASSERT_FALSE(step.refusal) << end;
    consumed += step.consumed_bytes;
    ASSERT_EQ(step.done, end == kBytes.size());
  }
  EXPECT_EQ(consumed, kBytes.size());
  EXPECT_EQ(body, "");
}

TEST(ParseChunks, SameWhereverTheBytesAreCut) {
  constexpr std::string_view kBytes = "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Trailer: z\r\n\r\n";
  for (size_t cut = 0; cut <= kBytes.size(); ++cut) {
    const Body body = read_cut(kBytes, cut);
    EXPECT_EQ(body.status, 0) << cut;
    EXPECT_TRUE(body.done || cut == kBytes.size()) << cut;
    EXPECT_EQ(body.text, "abcd") << cut;
  }
}

// Found by fuzzing: a method that began with a digit passed when the whole line arrived at once.
TEST(HeadCheck, MethodBeginsWithALetterHoweverItArrives) {
  const Limits limits;
  for (const char* method : {"1GET", "-GET", "_"}) {
    const std::string head = std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
    HeadCheck whole, pieces;
    EXPECT_EQ(whole.advance(head, limits).status, 400) << method;
    EXPECT_EQ(pieces.advance(std::string_view(head).substr(0, 1), limits).status, 400) << method;
  }
  HeadCheck check;
  EXPECT_FALSE(check.advance("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", limits));
}

}  // namespace
}  // namespace latchkey::http
