// Is this a head that every HTTP implementation reads in one way?
//
// Looks at the raw bytes of a request's head before Beast parses them and refuses what parsers are
// known to read differently (bare LF, obs-fold, spaces before the colon, ...), because such a
// difference between two hops is what request smuggling lives from. Works on a head that arrives in
// pieces; each byte is looked at once. docs/spec/http.md. Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/server.h"

namespace latchkey::http {

// What clients branch on when it is the server, and not their request, that is the reason.
inline constexpr const char* kServerFailed = "InternalException";
inline constexpr const char* kServerBusy = "ServiceOverloadedException";
inline constexpr const char* kUpstreamAway = "ServiceUnavailableException";

// Why a request gets no handler: a status of 4xx or 5xx, a sentence, and the `typeKey` of its
// body. A status of 0 is no refusal.
struct Refusal {
  int status = 0;
  const char* message = "";
  const char* type_key = "VssRequestMalformedException";
  explicit operator bool() const { return status != 0; }
};

class HeadCheck {
 public:
  // Forgets everything: a new head begins.
  void reset() { *this = HeadCheck(); }
  // Looks on. `bytes` begins with the head and holds at least what it held at the last call.
  Refusal advance(std::string_view bytes, const Limits& limits);
  // The size of the head with its empty line, or 0 while it is not whole.
  size_t head_bytes() const { return head_bytes_; }

 private:
  Refusal check_line(std::string_view line, const Limits& limits);
  Refusal check_incomplete(std::string_view bytes, const Limits& limits) const;

  size_t position_ = 0;  // where the next line begins
  size_t searched_ = 0;  // up to where no LF was found
  size_t head_bytes_ = 0;
  uint32_t headers_ = 0;
  bool request_line_done_ = false;
};

// Whether `text` is a token of RFC 9110 section 5.6.2.
bool is_token(std::string_view text);
// Whether `value` may stand in a header: no control character but the tab.
bool is_header_value(std::string_view value);
// Whether `value` looks like "host" or "host:port"; empty is allowed. RFC 9112 section 3.2.
bool is_host(std::string_view value);
// Whether each LF of `bytes` follows a CR, each CR is before an LF, no other control character than
// a tab is there, and no line begins with a space or tab.
bool are_clean_lines(std::string_view bytes);

}  // namespace latchkey::http
