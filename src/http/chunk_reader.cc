#include "http/chunk_reader.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::http {
namespace {

constexpr uint32_t kLineBytesMax = 256;
constexpr uint32_t kTrailerBytesMax = 8 * 1024;
constexpr uint64_t kSizeMax = uint64_t{1} << 60;  // sixteen more could not be counted

int hex_digit(char c) {
  if (is_ascii_digit(c)) return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Whether `c` may stand in an extension or a trailer.
bool is_text(char c) { return (static_cast<uint8_t>(c) >= 0x20 && c != 0x7f) || c == '\t'; }

}  // namespace

ChunkReader::Step ChunkReader::read(std::span<char> bytes) {
  LK_ASSERT(state_ != State::done);
  Step step;
  while (step.consumed_bytes < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      const auto size =
          static_cast<size_t>(std::min<uint64_t>(left_bytes_, bytes.size() - step.consumed_bytes));
      std::memmove(bytes.data() + step.data_bytes, bytes.data() + step.consumed_bytes, size);
      step.data_bytes += size;
      step.consumed_bytes += size;
      left_bytes_ -= size;
      if (left_bytes_ == 0) state_ = State::data_return;
    } else if (!take(bytes[step.consumed_bytes++])) {
      step.is_malformed = true;
      return step;
    }
  }
  step.is_done = state_ == State::done;
  return step;
}

// Whether `c` may come now.
bool ChunkReader::take(char c) {
  switch (state_) {
    case State::size:
    case State::extension: return take_size(c);
    case State::size_line_feed:
      state_ = left_bytes_ == 0 ? State::trailer_begin : State::data;
      line_bytes_ = 0;
      has_digit_ = false;
      return c == '\n';
    case State::data_return: state_ = State::data_line_feed; return c == '\r';
    case State::data_line_feed: state_ = State::size; return c == '\n';
    case State::trailer_begin:
    case State::trailer: return take_trailer(c);
    case State::trailer_line_feed: state_ = State::trailer_begin; return c == '\n';
    case State::end_line_feed: state_ = State::done; return c == '\n';
    case State::data:
    case State::done: return false;
  }
  return false;
}

bool ChunkReader::take_size(char c) {
  if (++line_bytes_ > kLineBytesMax) return false;
  if (c == '\r') {
    state_ = State::size_line_feed;
    return has_digit_;
  }
  if (state_ == State::extension) return is_text(c);
  if (c == ';') {
    state_ = State::extension;
    return has_digit_;
  }
  const int digit = hex_digit(c);
  if (digit < 0 || left_bytes_ >= kSizeMax) return false;
  left_bytes_ = left_bytes_ * 16 + static_cast<uint64_t>(digit);
  has_digit_ = true;
  return true;
}

bool ChunkReader::take_trailer(char c) {
  if (++trailer_bytes_ > kTrailerBytesMax) return false;
  if (c == '\r') {
    state_ = state_ == State::trailer_begin ? State::end_line_feed : State::trailer_line_feed;
    return true;
  }
  if (state_ == State::trailer_begin && (c == ' ' || c == '\t')) return false;
  state_ = State::trailer;
  return is_text(c);
}

}  // namespace latchkey::http
