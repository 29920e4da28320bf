#include "http/chunk_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace latchkey::http {
namespace {

// The data of `bytes`, which come in pieces of `piece` bytes; "..." while it is not done, "!" for
// what is malformed, and after "|" what follows.
std::string read(std::string bytes, size_t piece) {
  ChunkReader reader;
  std::string data;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const size_t size_bytes = std::min(piece, bytes.size() - at);
    const auto step = reader.read({bytes.data() + at, size_bytes});
    data.append(bytes, at, step.data_bytes);
    if (step.is_malformed) return data + "!";
    if (step.is_done) return data + "|" + bytes.substr(at + step.consumed_bytes);
  }
  return data + "...";
}

TEST(ChunkReader, ReadsTheSameInPiecesOfAnySize) {
  const std::string body =
      "5;a=\"b\"\r\nhello\r\n00C\r\nabcdefghijkl\r\n0\r\nA: b\r\nC: d\r\n\r\nnext";
  for (size_t piece = 1; piece <= body.size(); ++piece) {
    const std::string seen = read(body, piece);
    EXPECT_EQ(seen.substr(0, 18), "helloabcdefghijkl|") << piece;
  }
  EXPECT_EQ(read(body, body.size()), "helloabcdefghijkl|next");
  EXPECT_EQ(read("0\r\n\r\n", 1), "|");
  EXPECT_EQ(read("3\r\nab", 2), "ab...");
}

TEST(ChunkReader, RefusesWhatCouldBeReadInTwoWays) {
  for (const char* bad :
       {"5\nhello\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhelloX\r\n", "\r\n", ";a\r\n", "-5\r\n",
        "+5\r\n", "0x5\r\n", " 5\r\n", "5 \r\n", "5\r\r\n", "g\r\n", "5;\x01\r\n", "5;a\n",
        "10000000000000000\r\n", "0\r\nA: b\n\r\n", "0\r\n folded\r\n\r\n", "0\r\nA\x7f: b\r\n\r\n",
        "0\r\n\rX"}) {
    EXPECT_TRUE(read(bad, 100).ends_with("!")) << bad;
    EXPECT_TRUE(read(bad, 1).ends_with("!")) << bad;
  }
}

TEST(ChunkReader, LinesAndTrailersAreBounded) {
  EXPECT_EQ(read("1;" + std::string(253, 'e') + "\r\na", 1000), "a...");
  EXPECT_EQ(read("1;" + std::string(254, 'e') + "\r\na", 1000), "!");
  EXPECT_EQ(read("0\r\nA: " + std::string(8'000, 't') + "\r\n\r\n", 100), "|");
  EXPECT_EQ(read("0\r\nA: " + std::string(8'200, 't') + "\r\n\r\n", 100), "!");
  EXPECT_EQ(read(std::string(300, '0') + "\r\n\r\n", 1000), "!");
}

}  // namespace
}  // namespace latchkey::http
