#include "http/response_text.h"

#include <charconv>

#include "base/text.h"

namespace latchkey::http {
namespace {

// A year.
constexpr std::string_view kStrictTransport = "Strict-Transport-Security: max-age=31536000\r\n";

struct Reason {
  int status;
  std::string_view text;
};

constexpr Reason kReasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

// The reason of `status`; empty for one that is not listed, which RFC 9112 section 4 allows.
std::string_view reason_of(int status) {
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.text;
  }
  return {};
}

void append_number(std::string& out, size_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  (void)error;  // 20 digits hold any
  out.append(digits, end);
}

// Header names that are the server's own.
bool frames_the_message(std::string_view name) {
  constexpr std::string_view kNames[] = {"content-length", "transfer-encoding", "connection",
                                         "keep-alive", "trailer"};
  for (const std::string_view own : kNames) {
    if (own.size() == name.size() && ascii_equal_ignoring_case(own, name)) return true;
  }
  return false;
}

}  // namespace

bool status_has_body(int status) { return status != 204 && status != 304; }

bool is_sendable(const Response& response) {
  if (response.status < 200 || response.status > 599) return false;
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_header_value(value) || frames_the_message(name)) return false;
  }
  return true;
}

void append_status_line(std::string& out, int status) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<size_t>(status));
  out += ' ';
  out += reason_of(status);
  out += "\r\n";
}

void append_connection(std::string& out, Delivery delivery) {
  if (delivery.transport == Transport::tls) out += kStrictTransport;
  out += delivery.use == ConnectionUse::close ? "Connection: close\r\n\r\n" : "\r\n";
}

void append_head(std::string& out, const Response& response, Delivery delivery) {
  append_status_line(out, response.status);
  for (const auto& [name, value] : response.headers) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (status_has_body(response.status)) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  append_connection(out, delivery);
}

Response make_refusal(const Refusal& refusal, std::string_view request_id) {
  // The texts are our own constants and hold nothing that JSON would escape.
  std::string body = R"({"$id":"1","innerException":null,"message":")";
  body += refusal.message;
  body += R"(","typeName":"Microsoft.VisualStudio.Services.Common.)";
  body += refusal.type_key;
  body += R"(, Microsoft.VisualStudio.Services.Common","typeKey":")";
  body += refusal.type_key;
  body += R"(","errorCode":0,"eventId":0})";
  Response response =
      make_response(refusal.status, "application/json; charset=utf-8", std::move(body));
  if (!request_id.empty()) response.add_header("ActivityId", std::string(request_id));
  if (refusal.status == 503) response.add_header("Retry-After", "1");
  return response;
}

}  // namespace latchkey::http
