#include "http/body_coder.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/assert.h"

namespace latchkey::http {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

BodyCoder::BodyCoder(BodyFraming input, uint64_t length_bytes, Output output)
    : input_(input),
      output_(output),
      left_bytes_(length_bytes),
      is_done_(input == BodyFraming::none || (input == BodyFraming::length && length_bytes == 0)) {
  LK_ASSERT(output == Output::plain || input != BodyFraming::length);
}

BodyCoder::Piece BodyCoder::encode(std::span<char> read) {
  LK_ASSERT(!is_done_);
  Piece piece;
  size_t data_bytes = read.size();
  size_t consumed_bytes = read.size();
  if (input_ == BodyFraming::length) {
    data_bytes = consumed_bytes = static_cast<size_t>(std::min<uint64_t>(left_bytes_, read.size()));
    left_bytes_ -= data_bytes;
    is_done_ = left_bytes_ == 0;
  } else if (input_ == BodyFraming::chunked) {
    const ChunkReader::Step step = chunks_.read(read);
    piece.is_malformed = step.is_malformed;
    data_bytes = step.data_bytes;
    consumed_bytes = step.consumed_bytes;
    is_done_ = step.is_done;
  }
  body_bytes_ += data_bytes;
  piece.rest = std::string_view(read.data() + consumed_bytes, read.size() - consumed_bytes);
  piece.bytes = frame(read.data(), data_bytes, is_done_);
  return piece;
}

// The data within the output's framing. Where the last chunk follows data, the input's own last
// chunk stood there, at least as long, so `rest` is not written over.
std::string_view BodyCoder::frame(char* data, size_t size_bytes, bool is_last) {
  if (output_ == Output::plain) return {data, size_bytes};
  if (size_bytes == 0) return is_last ? kLastChunk : std::string_view{};
  char digits[kRoomBefore];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits - 2, size_bytes, 16);
  LK_ASSERT(error == std::errc());
  const auto digits_bytes = static_cast<size_t>(end - digits);
  char* const begin = data - digits_bytes - 2;
  std::memcpy(begin, digits, digits_bytes);
  std::memcpy(begin + digits_bytes, "\r\n", 2);
  char* behind = data + size_bytes;
  std::memcpy(behind, "\r\n", 2);
  behind += 2;
  if (is_last) {
    std::memcpy(behind, kLastChunk.data(), kLastChunk.size());
    behind += kLastChunk.size();
  }
  return {begin, static_cast<size_t>(behind - begin)};
}

bool BodyCoder::take_end(Piece& piece) {
  if (is_done_ || input_ != BodyFraming::until_close) return false;
  is_done_ = true;
  piece = {};
  if (output_ == Output::chunked) piece.bytes = kLastChunk;
  return true;
}

}  // namespace latchkey::http
