#include "http/response_head.h"

#include <algorithm>

#include "base/text.h"
#include "http/head_check.h"

namespace latchkey::http {
namespace {

// The end of the head, or npos; `is_clean` becomes false for an LF that no CR stands before.
size_t find_end(std::string_view bytes, bool& is_clean) {
  size_t line_begin = 0;
  while (line_begin < bytes.size()) {
    const size_t line_feed = bytes.find('\n', line_begin);
    if (line_feed == bytes.npos) return bytes.npos;
    if (line_feed == line_begin || bytes[line_feed - 1] != '\r') {
      is_clean = false;
      return bytes.npos;
    }
    if (line_feed == line_begin + 1) return line_feed + 1;
    line_begin = line_feed + 1;
  }
  return bytes.npos;
}

// "HTTP/1.1 200 OK". The version's last digit goes to `minor`.
bool parse_status_line(std::string_view line, int& status, char& minor) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
  minor = line[7];
  if (minor != '0' && minor != '1') return false;
  for (const char c : line.substr(9, 3)) {
    if (!is_ascii_digit(c)) return false;
  }
  status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (status < 100 || status > 599) return false;
  return line.size() == 12 || (line[12] == ' ' && is_header_value(line.substr(13)));
}

bool parse_header_line(std::string_view line, Header& header) {
  const size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return false;
  header = {line.substr(0, colon), trim(line.substr(colon + 1))};
  return is_header_value(header.value);
}

bool has_word(std::string_view list, std::string_view word) {
  for (const std::string_view part : split(list, ',')) {
    if (ascii_equal_ignoring_case(trim(part), word)) return true;
  }
  return false;
}

struct Seen {
  int lengths = 0;
  int encodings = 0;
  int upgrades = 0;
  bool closes = false;
  bool keeps = false;
  std::string_view length, encoding, upgrade;
};

void look_at(const Header& header, Seen& seen) {
  const std::string_view name = header.name;
  if (name.size() == 14 && ascii_equal_ignoring_case(name, "content-length")) {
    ++seen.lengths;
    seen.length = header.value;
  } else if (name.size() == 17 && ascii_equal_ignoring_case(name, "transfer-encoding")) {
    ++seen.encodings;
    seen.encoding = header.value;
  } else if (name.size() == 10 && ascii_equal_ignoring_case(name, "connection")) {
    seen.closes |= has_word(header.value, "close");
    seen.keeps |= has_word(header.value, "keep-alive");
  } else if (name.size() == 7 && ascii_equal_ignoring_case(name, "upgrade")) {
    ++seen.upgrades;
    seen.upgrade = header.value;
  }
}

// Sets how the body ends. RFC 9112 section 6.3.
bool decide_framing(const Seen& seen, char minor, bool is_head_request, ResponseHead& out) {
  if (seen.lengths > 1 || seen.encodings > 1 || (seen.lengths && seen.encodings)) return false;
  out.has_length = seen.lengths == 1;
  out.content_length = 0;
  if (out.has_length) {
    std::string_view digits = seen.length;
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    const auto length = parse_unsigned(digits);
    if (!length) return false;
    out.content_length = *length;
  }
  if (seen.encodings && (minor == '0' || !ascii_equal_ignoring_case(seen.encoding, "chunked"))) {
    return false;
  }
  const bool is_interim = out.status < 200;
  if (is_interim || out.status == 204) {
    // Neither has a body, and one that says how long it is may mean it.
    if (seen.encodings || out.content_length > 0) return false;
    out.framing = BodyFraming::none;
    return true;
  }
  if (is_head_request || out.status == 304) {
    out.framing = BodyFraming::none;
  } else if (seen.encodings) {
    out.framing = BodyFraming::chunked;
  } else if (out.has_length) {
    out.framing = out.content_length > 0 ? BodyFraming::length : BodyFraming::none;
  } else {
    out.framing = BodyFraming::until_close;
  }
  return true;
}

}  // namespace

HeadOutcome parse_response_head(std::string_view bytes, bool is_head_request, ResponseHead& out,
                                size_t& head_bytes) {
  constexpr std::string_view kBegin = "HTTP/1.";
  const size_t compared = std::min(bytes.size(), kBegin.size());
  if (bytes.substr(0, compared) != kBegin.substr(0, compared)) return HeadOutcome::malformed;
  bool is_clean = true;
  const size_t end = find_end(bytes.substr(0, kResponseHeadBytesMax), is_clean);
  if (!is_clean) return HeadOutcome::malformed;
  if (end == bytes.npos) {
    return bytes.size() >= kResponseHeadBytesMax ? HeadOutcome::malformed : HeadOutcome::incomplete;
  }
  std::string_view rest = bytes.substr(0, end - 2);
  const size_t line_end = rest.find('\n') - 1;
  char minor = '1';
  if (!parse_status_line(rest.substr(0, line_end), out.status, minor))
    return HeadOutcome::malformed;
  rest.remove_prefix(line_end + 2);
  out.headers.clear();
  out.headers.reserve(16);  // of most answers
  Seen seen;
  while (!rest.empty()) {
    const size_t next = rest.find('\n') - 1;
    Header header;
    if (out.headers.size() == kResponseHeadersMax ||
        !parse_header_line(rest.substr(0, next), header)) {
      return HeadOutcome::malformed;
    }
    look_at(header, seen);
    out.headers.push_back(header);
    rest.remove_prefix(next + 2);
  }
  if (!decide_framing(seen, minor, is_head_request, out)) return HeadOutcome::malformed;
  out.keep_alive = minor == '1' && !seen.closes && out.framing != BodyFraming::until_close;
  out.is_websocket = out.status == 101 && seen.upgrades == 1 &&
                     ascii_equal_ignoring_case(seen.upgrade, "websocket");
  head_bytes = end;
  return HeadOutcome::whole;
}

}  // namespace latchkey::http
