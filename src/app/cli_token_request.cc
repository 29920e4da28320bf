#include "app/cli_token_request.h"

#include "app/cli.h"
#include "base/text.h"
#include "base/time_text.h"
#include "core/lifecycle.h"

namespace latchkey::app {

std::string pats_path(const std::string& organization, const std::string& rest,
                      const std::string& query) {
  return "/" + organization + "/_apis/tokens/pats" + rest + "?api-version=7.1-preview.1" +
         (query.empty() ? "" : "&" + query);
}

std::string scope_text(const std::vector<std::string>& scopes) {
  std::string text;
  for (const std::string& given : scopes) {
    std::string spaced = given;
    for (char& c : spaced) c = c == ',' ? ' ' : c;
    for (const std::string_view scope : split(spaced, ' ')) {
      if (!scope.empty()) text += (text.empty() ? "" : " ") + std::string(scope);
    }
  }
  return text;
}

Result<std::string> valid_to_text(const TokenOptions& options, Instant now) {
  if (options.days != 0 && !options.until.empty()) {
    return usage_error("--days and --until exclude each other", "give one of them");
  }
  if (options.days != 0) return format_date_time(core::expiry_after_days(now, options.days));
  if (options.until.empty()) return std::string();
  const auto day = parse_day(options.until);
  if (!day) {
    return usage_error("'" + options.until + "' is no day", "write one as --until 2026-12-01");
  }
  return format_date_time(end_of_day(*day));
}

Result<json::value> create_body(const TokenOptions& options, Instant now) {
  LK_TRY(const std::string valid_to, valid_to_text(options, now));
  json::object body = {
      {"displayName", options.name}, {"scope", scope_text(options.scopes)}, {"allOrgs", false}};
  if (!valid_to.empty()) body["validTo"] = valid_to;
  return json::value(std::move(body));
}

Result<json::value> update_body(const TokenOptions& options, Instant now) {
  LK_TRY(const std::string valid_to, valid_to_text(options, now));
  json::object body = {{"authorizationId", options.id}};
  if (!options.name.empty()) body["displayName"] = options.name;
  if (!options.scopes.empty()) body["scope"] = scope_text(options.scopes);
  if (!valid_to.empty()) body["validTo"] = valid_to;
  if (body.size() == 1) {
    return usage_error("nothing is to be changed", "give --name, --scope, --days or --until");
  }
  return json::value(std::move(body));
}

std::string list_query(const TokenOptions& options, const std::string& continuation) {
  std::string query = "displayFilterOption=" + percent_encode(options.state) +
                      "&sortByOption=" + percent_encode(options.sort) +
                      "&isSortAscending=" + (options.ascending ? "true" : "false") + "&$top=100";
  if (!options.search.empty()) query += "&search=" + percent_encode(options.search);
  if (!continuation.empty()) query += "&continuationToken=" + percent_encode(continuation);
  return query;
}

}  // namespace latchkey::app
