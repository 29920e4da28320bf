#include "api/version.h"

#include <utility>

#include "base/text.h"

namespace latchkey::api {
namespace {

constexpr std::string_view kName = "api-version";

Error refused(ErrorCode code, std::string message) {
  return Error(code, std::move(message), std::string(kName));
}

// The api-version parameter of an Accept header's media range. RFC 9110 section 12.5.1.
std::optional<std::string_view> version_of_accept(const http::Request& request) {
  const auto accept = request.header("Accept");
  if (!accept) return std::nullopt;
  for (const std::string_view range : split(*accept, ',')) {
    for (const std::string_view parameter : split(range, ';')) {
      const std::string_view trimmed = trim(parameter);
      const size_t equals = trimmed.find('=');
      if (equals == std::string_view::npos) continue;
      if (ascii_equal_ignoring_case(trim(trimmed.substr(0, equals)), kName)) {
        return trim(trimmed.substr(equals + 1));
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> find_version(const http::Request& request,
                                        const http::QueryParameters& query) {
  for (const auto& [name, value] : query) {
    if (ascii_equal_ignoring_case(name, kName)) return value;
  }
  if (const auto version = version_of_accept(request)) return std::string(*version);
  return std::nullopt;
}

// Reads "7.1", "7.1-preview" or "7.1-preview.3".
std::optional<ApiVersion> parse_version(std::string_view text) {
  ApiVersion version;
  version.text = std::string(text);
  const size_t dash = text.find('-');
  const std::string_view number = text.substr(0, dash);
  if (dash != std::string_view::npos) {
    std::string_view suffix = text.substr(dash + 1);
    if (!ascii_starts_with_ignoring_case(suffix, "preview")) return std::nullopt;
    suffix.remove_prefix(7);
    const bool bare = suffix.empty();
    if (!bare && (suffix[0] != '.' || !parse_unsigned(suffix.substr(1)))) return std::nullopt;
    version.preview = true;
  }
  const size_t dot = number.find('.');
  const auto major = parse_unsigned(number.substr(0, dot));
  const auto minor = dot == std::string_view::npos ? std::optional<uint64_t>(0)
                                                   : parse_unsigned(number.substr(dot + 1));
  if (!major || !minor || *major > 99 || *minor > 99) return std::nullopt;
  version.major = static_cast<int>(*major);
  version.minor = static_cast<int>(*minor);
  return version;
}

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace

Result<ApiVersion> negotiate_version(VersionRule rule, const http::Request& request,
                                     const http::QueryParameters& query) {
  if (rule == VersionRule::none) return ApiVersion();
  const auto asked = find_version(request, query);
  const bool lenient = rule == VersionRule::any;
  if (!asked) {
    if (lenient || is_read(request.method())) return ApiVersion();
    return refused(ErrorCode::version_missing,
                   "No api-version was given, and a change needs one. Add ?api-version=7.1, or "
                   "7.1-preview.1 on a preview route.");
  }
  const auto version = parse_version(*asked);
  if (!version) {
    if (lenient) return ApiVersion();
    return refused(ErrorCode::version_unsupported,
                   "The api-version must have the form 7.1 or 7.1-preview.1.");
  }
  if (lenient) return *version;
  const bool from_61 = rule == VersionRule::preview_from_61;
  if (!version->at_least(from_61 ? 6 : 1, from_61 ? 1 : 0) || version->at_least(7, 3)) {
    return refused(ErrorCode::version_unsupported, std::string("This route has the api-versions ") +
                                                       (from_61 ? "6.1" : "1.0") +
                                                       " to 7.2; another one was asked for.");
  }
  if (rule != VersionRule::released && !version->preview) {
    return refused(ErrorCode::version_needs_preview,
                   "This route is a preview: ask for it with an api-version that ends with "
                   "-preview, as in 7.1-preview.1.");
  }
  return *version;
}

}  // namespace latchkey::api
