// HTTP as far as a benchmark needs it: where an answer ends, and requests kept in a file.
//
// Thread safety: one thread.
#pragma once

#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::bench {

// Finds the end of one answer in what arrives. Knows Content-Length and chunked bodies.
class AnswerReader {
 public:
  int status() const { return status_; }

  // Takes bytes of one answer from the front of `bytes`; true when it is whole.
  bool take(std::string_view& bytes) {
    if (!has_head_ && !take_head(bytes)) return false;
    const bool whole = is_chunked_ ? take_chunks(bytes) : take_body(bytes);
    if (whole) has_head_ = false;
    return whole;
  }

 private:
  bool take_head(std::string_view& bytes) {
    // Mostly the whole head is there at once, and nothing is copied.
    const size_t before = kept_.size();
    std::string_view seen = bytes;
    if (before > 0) seen = kept_ += bytes;
    const size_t end = seen.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (before == 0) kept_ = bytes;
      bytes = {};
      return false;
    }
    read_head(seen.substr(0, end + 2));
    bytes.remove_prefix(end + 4 - before);
    kept_.clear();
    return true;
  }

  void read_head(std::string_view head) {
    has_head_ = true;
    is_chunked_ = false;
    left_ = 0;
    chunk_line_.clear();
    status_ = head.size() > 12 ? std::atoi(std::string(head.substr(9, 3)).c_str()) : 0;
    for (size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
      const std::string_view line = head.substr(at + 2);
      if (starts_with(line, "content-length:")) {
        left_ = std::strtoul(line.data() + 15, nullptr, 10);
      } else if (starts_with(line, "transfer-encoding:")) {
        is_chunked_ = true;
      }
    }
  }

  static bool starts_with(std::string_view line, std::string_view name) {
    return line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
  }

  bool take_body(std::string_view& bytes) {
    const size_t part = std::min(left_, bytes.size());
    left_ -= part;
    bytes.remove_prefix(part);
    return left_ == 0;
  }

  // `left_` counts what is to come of a chunk with its line end; without, a line of size is next.
  bool take_chunks(std::string_view& bytes) {
    while (!bytes.empty()) {
      if (left_ > 0) {
        const bool is_last = is_last_chunk_;
        if (take_body(bytes) && is_last) return true;
        continue;
      }
      const char c = bytes.front();
      bytes.remove_prefix(1);
      if (c != '\n') {
        chunk_line_ += c;
        continue;
      }
      const size_t size = std::strtoul(chunk_line_.c_str(), nullptr, 16);
      chunk_line_.clear();
      is_last_chunk_ = size == 0;
      left_ = size + 2;
    }
    return false;
  }

  std::string kept_, chunk_line_;
  size_t left_ = 0;
  int status_ = 0;
  bool has_head_ = false;
  bool is_chunked_ = false;
  bool is_last_chunk_ = false;
};

// The requests of a file that has each with its length in front ("123\n" and 123 bytes).
inline std::vector<std::string> read_requests(const char* path) {
  std::vector<std::string> requests;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  while (std::getline(file, line)) {
    std::string request(std::strtoul(line.c_str(), nullptr, 10), '\0');
    file.read(request.data(), static_cast<std::streamsize>(request.size()));
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace latchkey::bench
