// The pages of the first steps, and the files that every client may read. docs/spec/pages.md.

#include "api/call.h"
#include "base/embedded.h"

LK_EMBEDDED(openapi_json);
LK_EMBEDDED(start_html);
LK_EMBEDDED(link_html);
LK_EMBEDDED(link_js);
LK_EMBEDDED(style_css);

namespace latchkey::api {
namespace {

// Nothing inline, nothing from elsewhere, no framing.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

http::Response page(std::string_view html) {
  http::Response response = http::make_response(200, "text/html; charset=utf-8", std::string(html));
  response.add_header("Content-Security-Policy", kPolicy);
  response.add_header("Referrer-Policy", "no-referrer");
  return response;
}

Result<http::Response> get_start_page(Call&) { return page(embedded::start_html()); }
Result<http::Response> get_link_page(Call&) { return page(embedded::link_html()); }

Result<http::Response> get_open_api(Call&) {
  return http::make_response(200, "application/json; charset=utf-8",
                             std::string(embedded::openapi_json()));
}

struct StaticFile {
  std::string_view name;
  std::string_view content_type;
  std::string_view (*bytes)();
};

constexpr StaticFile kStaticFiles[] = {
    {"link.js", "text/javascript; charset=utf-8", embedded::link_js},
    {"style.css", "text/css; charset=utf-8", embedded::style_css},
};

Result<http::Response> get_static_file(Call& call) {
  for (const StaticFile& file : kStaticFiles) {
    if (file.name == call.match.parameter("file")) {
      http::Response response =
          http::make_response(200, file.content_type, std::string(file.bytes()));
      response.add_header("Cache-Control", "no-cache");
      return response;
    }
  }
  return Error(ErrorCode::route_unknown);
}

constexpr Route kRoutes[] = {
    {"getOpenApi", Work::memory, VersionRule::none, get_open_api},
    {"getStartPage", Work::memory, VersionRule::none, get_start_page},
    {"getLinkPage", Work::memory, VersionRule::none, get_link_page},
    {"getStaticFile", Work::memory, VersionRule::none, get_static_file},
};

}  // namespace

std::span<const Route> page_routes() { return kRoutes; }

}  // namespace latchkey::api
