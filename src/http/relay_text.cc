#include "http/relay_text.h"

#include "base/text.h"

namespace latchkey::http {
namespace {

constexpr std::string_view kOfOneHop[] = {
    "connection", "keep-alive", "te", "trailer", "upgrade", "transfer-encoding", "content-length"};

bool is_of_one_hop(std::string_view name) {
  for (const std::string_view one : kOfOneHop) {
    if (one.size() == name.size() && ascii_equal_ignoring_case(one, name)) return true;
  }
  // The second is how our own refusals are told from an upstream's.
  return ascii_starts_with_ignoring_case(name, "proxy-") ||
         ascii_starts_with_ignoring_case(name, "latchkey-");
}

// Whether a Connection header of `head` names `name`. Most have none, or only keep-alive.
bool is_named(const ResponseHead& head, std::string_view name) {
  for (const Header& header : head.headers) {
    if (header.name.size() != 10 || !ascii_equal_ignoring_case(header.name, "connection")) continue;
    for (const std::string_view part : split(header.value, ',')) {
      if (ascii_equal_ignoring_case(trim(part), name)) return true;
    }
  }
  return false;
}

bool has_connection(const ResponseHead& head) {
  for (const Header& header : head.headers) {
    if (header.name.size() == 10 && ascii_equal_ignoring_case(header.name, "connection")) {
      return true;
    }
  }
  return false;
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_headers(std::string& out, const ResponseHead& head, const AnswerHead* how) {
  const bool looks_at_names = has_connection(head);
  for (const auto& [name, value] : head.headers) {
    if (is_of_one_hop(name) || (looks_at_names && is_named(head, name))) continue;
    bool is_replaced = false;
    if (how != nullptr) {
      for (const auto& own : how->headers) {
        is_replaced |=
            ascii_equal_ignoring_case(own.first, name) && !ascii_equal_ignoring_case(name, "vary");
      }
    }
    if (!is_replaced) append_line(out, name, value);
  }
}

}  // namespace

void append_answer_head(std::string& out, const ResponseHead& head, const AnswerHead& how) {
  append_status_line(out, head.status);
  append_headers(out, head, &how);
  for (const auto& [name, value] : how.headers) {
    if (is_token(name) && is_header_value(value) && !is_of_one_hop(name)) {
      append_line(out, name, value);
    }
  }
  if (how.output == BodyCoder::Output::chunked) {
    append_line(out, "Transfer-Encoding", "chunked");
  } else if (head.has_length && head.status != 204) {
    append_line(out, "Content-Length", std::to_string(head.content_length));
  }
  append_connection(out, how.delivery);
}

void append_upgrade_head(std::string& out, const ResponseHead& head) {
  out += "HTTP/1.1 101 Switching Protocols\r\n";
  append_headers(out, head, nullptr);
  out += "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
}

}  // namespace latchkey::http
