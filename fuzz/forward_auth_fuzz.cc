// What a proxy tells of a request is read in one way or refused.
// The input is a method, a path and a query, a line each, and then headers ("Name: value").
#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "gate/forwarded_request.h"
#include "gate/host.h"
#include "gate/request_for_test.h"
#include "target.h"

namespace {

using namespace latchkey;
using namespace latchkey::gate;

bool is_of_a_form(std::string_view name) {
  for (const char* known : {"X-Original-Method", "X-Original-URI", "X-Original-URL",
                            "X-Original-Host", "X-Forwarded-Method", "X-Forwarded-Uri"}) {
    if (ascii_equal_ignoring_case(name, known)) return true;
  }
  return false;
}

// All that a decision looks at; "refused" if it is.
std::string told(const std::string& method, const std::string& path, const std::string& query,
                 const std::vector<http::Header>& headers) {
  const TestRequest carrier(method, path, query, headers);
  const auto request = ForwardedRequest::read(carrier);
  if (!request) {
    LK_ASSERT(request.error().code == ErrorCode::request_malformed);
    return "refused";
  }
  LK_ASSERT(request->path().starts_with('/'));
  LK_ASSERT(request->path().find("//") == std::string_view::npos);
  LK_ASSERT(request->path().find(';') == std::string_view::npos);
  LK_ASSERT(!request->method().empty());
  for (const http::Header& header : request->headers()) {
    LK_ASSERT(!is_of_a_form(header.name));
  }
  return std::string(request->method()) + "\n" + std::string(request->authority()) + "\n" +
         std::string(request->path()) + "?" + std::string(request->query());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = fuzz::as_text(data, size);
  const std::string method(fuzz::take_line(rest));
  const std::string path = std::string(kForwardAuthPath) + std::string(fuzz::take_line(rest));
  const std::string query(fuzz::take_line(rest));
  if (!is_forward_auth_path(path)) return 0;
  std::vector<http::Header> headers;
  while (!rest.empty() && headers.size() < 32) {
    const std::string_view line = fuzz::take_line(rest);
    const size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) continue;
    headers.push_back({line.substr(0, colon), trim(line.substr(colon + 1))});
  }
  const std::string first = told(method, path, query, headers);
  // The order of headers says nothing.
  std::vector<http::Header> reversed(headers.rbegin(), headers.rend());
  LK_ASSERT(told(method, path, query, reversed) == first);
  if (first == "refused") return 0;
  // Nothing that a client adds of any form changes what is told: it is refused, or has no effect.
  for (const http::Header& more :
       {http::Header{"X-Original-URI", "/a"}, http::Header{"X-Original-URL", "http://a/b"},
        http::Header{"X-Forwarded-Uri", "/c"}, http::Header{"X-Forwarded-Method", "GET"},
        http::Header{"X-Original-Method", "GET"}}) {
    std::vector<http::Header> spoiled = headers;
    spoiled.push_back(more);
    LK_ASSERT(told(method, path, query, spoiled) == "refused");
  }
  // Each header of the form is needed.
  for (size_t i = 0; i < headers.size(); ++i) {
    if (!is_of_a_form(headers[i].name)) continue;
    std::vector<http::Header> half = headers;
    half.erase(half.begin() + static_cast<std::ptrdiff_t>(i));
    LK_ASSERT(told(method, path, query, half) == "refused");
  }
  return 0;
}
