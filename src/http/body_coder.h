// A body on its way through: from how it is framed on one side to how it is on the other.
//
// Works in place on what was read: the framing of the other side is written into room before and
// behind the data, so a piece is written as it stands. Content-Length stays Content-Length, chunks
// become other chunks, a body that ends with its connection becomes chunks. No Asio here.
// docs/spec/proxy.md. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/chunk_reader.h"
#include "http/response_head.h"

namespace latchkey::http {

class BodyCoder {
 public:
  // Room that must be writable before and behind the bytes given to encode().
  static constexpr size_t kRoomBefore = 16;
  static constexpr size_t kRoomBehind = 8;

  enum class Output { plain, chunked };
  struct Piece {
    std::string_view bytes;  // to write; empty when nothing is to be written yet
    std::string_view rest;   // what was read but is no part of the body
    bool is_malformed = false;
  };

  BodyCoder() = default;  // of no body: done
  BodyCoder(BodyFraming input, uint64_t length_bytes, Output output);

  // What is to be written of `read`, which stays unchanged until that is done. REQUIRES:
  // !is_done().
  Piece encode(std::span<char> read);
  // The input's connection has ended: whether that is the body's end, and what is to be written.
  bool take_end(Piece& piece);

  bool is_done() const { return is_done_; }
  // Bytes of the body itself, so far.
  uint64_t body_bytes() const { return body_bytes_; }
  // How many bytes a read may take at most without taking what follows the body.
  uint64_t left_bytes_max() const {
    return input_ == BodyFraming::length ? left_bytes_ : UINT64_MAX;
  }

 private:
  std::string_view frame(char* data, size_t size_bytes, bool is_last);

  BodyFraming input_ = BodyFraming::none;
  Output output_ = Output::plain;
  uint64_t left_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  bool is_done_ = true;
  ChunkReader chunks_;
};

}  // namespace latchkey::http
