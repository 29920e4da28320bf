// A chunked body that streams by, read strictly and in place.
//
// Takes bytes as they come and moves the data to the front of where it stood, so nothing is stored.
// A size line is at most 256 bytes, with its extensions, which are dropped; trailers are at most
// 8 KiB and dropped; every line ends with CR and LF. RFC 9112 section 7.1, docs/spec/proxy.md.
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace latchkey::http {

class ChunkReader {
 public:
  struct Step {
    bool is_malformed = false;
    bool is_done = false;       // the last chunk and the trailers are read
    size_t data_bytes = 0;      // now at the front of `bytes`
    size_t consumed_bytes = 0;  // all of them, unless done or malformed
  };
  // Reads on in `bytes`. REQUIRES: not done or malformed before.
  Step read(std::span<char> bytes);

 private:
  enum class State {
    size,
    extension,
    size_line_feed,
    data,
    data_return,
    data_line_feed,
    trailer_begin,
    trailer,
    trailer_line_feed,
    end_line_feed,
    done
  };

  bool take(char c);
  bool take_size(char c);
  bool take_trailer(char c);

  State state_ = State::size;
  uint64_t left_bytes_ = 0;  // of the chunk
  uint32_t line_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
  bool has_digit_ = false;
};

}  // namespace latchkey::http
