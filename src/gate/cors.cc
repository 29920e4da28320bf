#include "gate/cors.h"

#include <algorithm>

namespace latchkey::gate {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
constexpr std::string_view kExposed = "Allow, Retry-After, WWW-Authenticate, X-Latchkey-Error";

// What Access-Control-Allow-Origin is for `request`; empty if its origin is not allowed.
std::string allowed_origin(const CorsSettings& cors, const http::Request& request) {
  const auto origin = request.header("Origin");
  if (!origin) return {};
  const auto has = [&](std::string_view text) {
    return std::find(cors.origins.begin(), cors.origins.end(), text) != cors.origins.end();
  };
  if (has(*origin)) return std::string(*origin);
  return has("*") ? "*" : "";
}

std::string join(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

}  // namespace

bool is_preflight(const http::Request& request) {
  return request.method() == "OPTIONS" && request.count_headers("Origin") == 1 &&
         request.count_headers("Access-Control-Request-Method") == 1;
}

std::optional<http::Response> answer_preflight(const CorsSettings& cors,
                                               const http::Request& request) {
  std::string origin = allowed_origin(cors, request);
  if (origin.empty()) return std::nullopt;
  http::Response response;
  response.status = 204;
  response.add_header("Access-Control-Allow-Origin", std::move(origin));
  response.add_header("Access-Control-Allow-Methods", std::string(kMethods));
  response.add_header("Access-Control-Allow-Headers", join(cors.headers));
  response.add_header("Access-Control-Max-Age", std::to_string(cors.max_age_s));
  response.add_header("Vary", "Origin");
  return response;
}

std::vector<std::pair<std::string, std::string>> cors_headers(const CorsSettings& cors,
                                                              const http::Request& request) {
  if (cors.origins.empty()) return {};
  std::vector<std::pair<std::string, std::string>> headers;
  if (std::string origin = allowed_origin(cors, request); !origin.empty()) {
    headers.emplace_back("Access-Control-Allow-Origin", std::move(origin));
    headers.emplace_back("Access-Control-Expose-Headers", std::string(kExposed));
  }
  headers.emplace_back("Vary", "Origin");
  return headers;
}

}  // namespace latchkey::gate
