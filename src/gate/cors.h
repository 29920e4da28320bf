// Requests of other origins: preflights, and what answers must say so that a page may read them.
//
// A preflight carries no credential, so it is answered here, from the configuration, and never
// forwarded. Cookies are never allowed: pages of other origins send a token in Authorization.
// https://fetch.spec.whatwg.org/#http-cors-protocol. Thread safety: pure functions. Spec:
// docs/spec/gate.md.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gate/api_settings.h"
#include "http/message.h"

namespace latchkey::gate {

// Whether a browser asks here if it may send a request.
bool is_preflight(const http::Request& request);

// 204 with what the configuration allows; nothing if it does not allow the origin.
std::optional<http::Response> answer_preflight(const CorsSettings& cors,
                                               const http::Request& request);

// The headers that let the page of an allowed origin read the answer; none for others.
std::vector<std::pair<std::string, std::string>> cors_headers(const CorsSettings& cors,
                                                              const http::Request& request);

}  // namespace latchkey::gate
