#include "gate/refusal_body.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace latchkey::gate {
namespace {

struct Title {
  int status;
  std::string_view text;
};
constexpr Title kTitles[] = {{400, "Bad request"},
                             {401, "A personal access token is needed"},
                             {403, "This token may not do that"},
                             {404, "Not found"},
                             {405, "Method not allowed"},
                             {503, "Not available at the moment"}};

std::string_view title_of(int status) {
  for (const Title& title : kTitles) {
    if (title.status == status) return title.text;
  }
  return "Refused";
}

struct Escape {
  char character;
  std::string_view text;
};
constexpr Escape kEscapes[] = {
    {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto* found = std::find_if(std::begin(kEscapes), std::end(kEscapes),
                                     [c](const Escape& escape) { return escape.character == c; });
    if (found == std::end(kEscapes)) {
      escaped += c;
    } else {
      escaped += found->text;
    }
  }
  return escaped;
}

// Nothing of it comes from elsewhere, and nothing runs.
std::string write_page(const RefusalText& text) {
  const std::string title(title_of(text.status));
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                     title +
                     "</title><meta name=\"viewport\" content=\"width=device-width\"></head>\n"
                     "<body><main><h1>" +
                     title + "</h1>\n<p>" + escape_html(text.message) + "</p>\n";
  if (!text.link.empty()) {
    page += "<p><a rel=\"noreferrer\" href=\"" + escape_html(text.link) +
            "\">Make a token with what is missing</a></p>\n";
  }
  return page + "</main></body></html>\n";
}

// Where `type` stands in `accept`; past its end if it does not.
size_t place_of(std::string_view accept, std::string_view type) {
  return std::min(accept.find(type), accept.size());
}

}  // namespace

RefusalForm choose_form(std::string_view accept, std::string_view user_agent) {
  const std::string lower = ascii_lower(accept);
  const size_t page = place_of(lower, "text/html");
  if (page < lower.size() && page < place_of(lower, "json")) return RefusalForm::page;
  const bool is_shown = user_agent.starts_with("git/") ||
                        ((user_agent.starts_with("curl/") || user_agent.starts_with("Wget/")) &&
                         lower.find("json") == std::string::npos);
  return is_shown ? RefusalForm::text : RefusalForm::json;
}

http::Response write_refusal(RefusalForm form, const RefusalText& text, std::string json_body) {
  switch (form) {
    case RefusalForm::json:
      return http::make_response(text.status, "application/json; charset=utf-8",
                                 std::move(json_body));
    case RefusalForm::text:
      return http::make_response(text.status, "text/plain; charset=utf-8",
                                 std::string(text.message) + "\n");
    case RefusalForm::page: break;
  }
  http::Response response =
      http::make_response(text.status, "text/html; charset=utf-8", write_page(text));
  response.add_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response.add_header("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace latchkey::gate
