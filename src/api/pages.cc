// The pages for people, and the files that every client may read. docs/spec/pages.md.

#include <array>

#include "api/call.h"
#include "api/web_files.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/embedded.h"
#include "base/text.h"

LK_EMBEDDED(openapi_json);

namespace latchkey::api {
namespace {

constexpr std::string_view kIndex = "index.html";
constexpr std::string_view kNoncePlace = "@NONCE@";
constexpr size_t kNonceBytes = 16;

const WebFile* find_file(std::string_view name) {
  for (const WebFile& file : web_files()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

// No script but ours, no style without this answer's nonce, nothing from elsewhere, no framing.
std::string content_policy(std::string_view nonce) {
  return "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + std::string(nonce) +
         "'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
         "frame-ancestors 'none'";
}

// One page for every address: what it shows, the browser decides by the address and the data that
// it may read. So an organization that exists looks like one that does not.
Result<http::Response> get_page(Call& call) {
  std::array<uint8_t, kNonceBytes> random{};
  LK_CHECK(call.context.dependencies.entropy.fill(random));
  const std::string nonce = format_base64(random);
  const WebFile* index = find_file(kIndex);
  LK_ASSERT(index != nullptr);
  std::string html(index->bytes);
  for (size_t at = html.find(kNoncePlace); at != std::string::npos;
       at = html.find(kNoncePlace, at)) {
    html.replace(at, kNoncePlace.size(), nonce);
  }
  http::Response response = http::make_response(200, index->content_type, std::move(html));
  response.add_header("Content-Security-Policy", content_policy(nonce));
  response.add_header("Referrer-Policy", "no-referrer");
  response.add_header("Cross-Origin-Opener-Policy", "same-origin");
  return response;
}

Result<http::Response> get_open_api(Call& call) {
  auto response = http::make_response(200, "application/json; charset=utf-8",
                                      std::string(embedded::openapi_json()));
  // Anybody may ask which installation answers here; `latchkey doctor` does.
  response.add_header("Latchkey-Deployment", format_uuid(call.context.options.deployment_id));
  return response;
}

// Whether the client takes gzip. A quality of zero refuses it (RFC 9110 section 12.5.3).
bool takes_gzip(const http::Request& request) {
  const auto accepted = request.header("Accept-Encoding");
  if (!accepted) return false;
  for (const std::string_view part : split(*accepted, ',')) {
    const auto fields = split(part, ';');
    if (!ascii_equal_ignoring_case(trim(fields.front()), "gzip")) continue;
    return fields.size() == 1 || trim(fields[1]).find_first_of("123456789") != std::string::npos;
  }
  return false;
}

// A name changes with its content, so the answer is good for ever.
Result<http::Response> get_static_file(Call& call) {
  const WebFile* file = find_file(call.match.parameter("file"));
  if (file == nullptr || file->name == kIndex) return Error(ErrorCode::route_unknown);
  const bool compressed = takes_gzip(call.request);
  http::Response response = http::make_response(200, file->content_type,
                                                std::string(compressed ? file->gzip : file->bytes));
  if (compressed) response.add_header("Content-Encoding", "gzip");
  response.add_header("Vary", "Accept-Encoding");
  response.add_header("Cache-Control", "public, max-age=31536000, immutable");
  return response;
}

constexpr Route kRoutes[] = {
    {"getOpenApi", Work::memory, VersionRule::none, get_open_api},
    {"getStartPage", Work::memory, VersionRule::none, get_page},
    {"getLinkPage", Work::memory, VersionRule::none, get_page},
    {"getSignInPage", Work::memory, VersionRule::none, get_page},
    {"getOrganizationPage", Work::memory, VersionRule::none, get_page},
    {"getUserSettingsPage", Work::memory, VersionRule::none, get_page},
    {"getUserSettingsPageNamed", Work::memory, VersionRule::none, get_page},
    {"getSettingsPage", Work::memory, VersionRule::none, get_page},
    {"getSettingsPageNamed", Work::memory, VersionRule::none, get_page},
    {"getProjectsPage", Work::memory, VersionRule::none, get_page},
    {"getStaticFile", Work::memory, VersionRule::none, get_static_file},
};

}  // namespace

std::span<const Route> page_routes() { return kRoutes; }

}  // namespace latchkey::api
