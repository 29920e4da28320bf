// An answer as the bytes that go out.
//
// One string is prepared and written; there is no serializer. What a handler puts into a header is
// checked here, since it may come from elsewhere (a proxy's upstream) and a line end in it would be
// an answer of its own. RFC 9112 section 4. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "http/head_check.h"
#include "http/message.h"

namespace latchkey::http {

enum class ConnectionUse { keep, close };
enum class Transport { plain, tls };
struct Delivery {
  ConnectionUse use = ConnectionUse::keep;
  Transport transport = Transport::plain;
};

// Whether `response` can be sent: a status of 200 to 599, header names that are tokens, values
// without control characters, and no header that frames the message (Content-Length, ...).
bool is_sendable(const Response& response);

// Appends the head of `response`, with Content-Length where the status has one (RFC 9110
// section 8.6) and Strict-Transport-Security within TLS (RFC 6797 section 7.2, which forbids it on
// plain HTTP). REQUIRES: is_sendable(response).
void append_head(std::string& out, const Response& response, Delivery delivery);

// Its parts, for answers that are not of our own: "HTTP/1.1 200 OK", and what ends the head.
void append_status_line(std::string& out, int status);
void append_connection(std::string& out, Delivery delivery);

// Whether an answer of `status` may have a body at all.
bool status_has_body(int status);

// No answer came of a handler, or none that can be sent.
inline constexpr Refusal kFailed{500, "The server failed to answer.", kServerFailed};

// The answer to a request that no handler sees. `request_id` may be empty.
Response make_refusal(const Refusal& refusal, std::string_view request_id);

}  // namespace latchkey::http
