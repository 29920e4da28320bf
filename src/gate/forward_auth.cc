#include "gate/forward_auth.h"

#include <memory>

#include "base/text.h"
#include "gate/cors.h"
#include "gate/forwarded_request.h"
#include "gate/refusal.h"

namespace latchkey::gate {
namespace {

constexpr size_t kBodyHeaderBytesMax = 3'000;

// `text`, which is JSON, in ASCII: what is not stands in its strings only, where it can be escaped.
std::string ascii_json(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string ascii;
  const auto escape = [&](uint32_t unit) {
    ascii += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) ascii += kDigits[unit >> shift & 15];
  };
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      ascii += text[i++];
      continue;
    }
    const size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    uint32_t code = byte & (0xff >> (length + 1));
    for (size_t k = 1; k < length && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<uint8_t>(text[i + k]) & 63);
    }
    i += length;
    if (code >= 0x10000) {
      escape(0xd800 + ((code - 0x10000) >> 10));
      escape(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      escape(code);
    }
  }
  return ascii;
}

// A refusal with all of it in headers.
http::Response with_headers(http::Response response) {
  response.add_header(std::string(kStatusHeader), std::to_string(response.status));
  std::string body = ascii_json(response.body);
  if (body.size() <= kBodyHeaderBytesMax) {
    response.add_header(std::string(kBodyHeader), std::move(body));
  }
  return response;
}

http::Response refuse(const Error& error) { return with_headers(refusal_response(error, {})); }

}  // namespace

void ForwardAuth::handle(const http::Request& request, http::Reply reply) {
  if (!is_forward_auth_path(request.path())) {
    return reply.send(refusal_response(Error(ErrorCode::route_unknown), {}));
  }
  const auto revision = gate_.missing_revision(request);
  if (!revision) return reply.send(answer(request));
  const auto waiting = std::make_shared<http::Reply>(std::move(reply));
  const bool is_posted = waiters_.post([this, waiting, &request, revision = *revision] {
    verifier_.wait_for(revision, wait_max_);
    waiting->send(answer(request));
  });
  if (!is_posted) waiting->send(refuse(Error(ErrorCode::overloaded)));
}

http::Response ForwardAuth::answer(const http::Request& request) {
  const auto original = ForwardedRequest::read(request);
  if (!original) return refuse(original.error());
  Decision decision = gate_.decide(*original, original->authority());
  if (decision.refusal) return with_headers(gate_.json_refusal_of(decision, *original));
  http::Response response;
  response.add_header("Cache-Control", "no-store");
  if (decision.answer) {
    response.status = 403;
    response.add_header(std::string(kStatusHeader), std::to_string(decision.answer->status));
    for (auto& header : decision.answer->headers) response.headers.push_back(std::move(header));
    return response;
  }
  for (auto& header : gate_.identity_headers(decision)) {
    response.headers.push_back(std::move(header));
  }
  for (auto& header : cors_headers(decision.api->settings.cors, *original)) {
    response.headers.push_back(std::move(header));
  }
  return response;
}

}  // namespace latchkey::gate
