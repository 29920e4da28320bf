#include "gate/refusal.h"

#include <string>

#include "base/json.h"
#include "base/text.h"
#include "gate/refusal_texts.h"

namespace latchkey::gate {
namespace {

struct Row {
  ErrorCode code;
  int status;
  std::string_view type_key;
  std::string_view message;  // when the error brings none
};

constexpr std::string_view kUnauthorized = "UnauthorizedRequestException";
constexpr std::string_view kAccessCheck = "AccessCheckException";
constexpr std::string_view kMalformed = "VssRequestMalformedException";

using enum ErrorCode;

constexpr Row kRows[] = {
    {request_malformed, 400, kMalformed, "The request is malformed."},
    {invalid_argument, 400, kMalformed, "The request breaks a rule."},
    {credential_ambiguous, 400, kMalformed, kSeveralCredentials},
    {credential_missing, 401, kUnauthorized, kNoCredential},
    {token_unknown, 401, kUnauthorized, kUnknownCredential},
    {token_expired, 401, kAccessCheck, kTokenExpired},
    {token_revoked, 401, kAccessCheck, kTokenRevoked},
    {token_owner_disabled, 401, kAccessCheck, kOwnerDisabled},
    {token_wrong_organization, 401, kUnauthorized, kOtherOrganization},
    {scope_missing, 403, kAccessCheck, kScopeMissing},
    {permission_denied, 403, kAccessCheck, "Access Denied: The origin is not allowed here."},
    {route_unknown, 404, "ControllerNotFoundException", "There is no such route."},
    {method_not_allowed, 405, "VssMethodNotAllowedException", "The route lacks this method."},
    {index_stale, 503, "ServiceUnavailableException",
     "The gate does not know at the moment which tokens are good. Try again."},
    {overloaded, 503, "ServiceOverloadedException", "The server is busy. Try again."},
    {internal, 500, "InternalException", "An internal error occurred; the log has the request id."},
};

const Row& row_of(ErrorCode code) {
  if (code == credential_malformed || code == token_malformed) code = token_unknown;
  for (const Row& row : kRows) {
    if (row.code == code) return row;
  }
  return row_of(internal);
}

std::string challenge(std::string_view scheme, const RefusalScene& scene, std::string_view rest) {
  std::string value(scheme);
  value += " realm=\"";
  value += scene.realm;
  value += '"';
  value += rest;
  return value;
}

// RFC 7617, and RFC 6750 section 3: what the token lacks, or that it is no good.
void add_challenges(http::Response& response, const Error& error, const RefusalScene& scene) {
  if (error.code == scope_missing) {
    response.add_header("WWW-Authenticate",
                        challenge("Bearer", scene,
                                  ", error=\"insufficient_scope\", scope=\"" + error.detail + '"'));
  }
  if (response.status != 401) return;
  response.add_header("WWW-Authenticate", challenge("Basic", scene, ", charset=\"UTF-8\""));
  if (scene.basic_only) return;
  const bool presented = error.code != credential_missing;
  response.add_header("WWW-Authenticate",
                      challenge("Bearer", scene, presented ? ", error=\"invalid_token\"" : ""));
}

}  // namespace

http::Response refusal_response(const Error& error, const RefusalScene& scene) {
  const Row& row = row_of(error.code);
  const bool has_own = !error.message.empty() && row.code == error.code && row.status != 500;
  const Lesson* lesson = error.code == scope_missing ? scene.lesson : nullptr;
  const std::string message = lesson    ? lesson_message(*lesson)
                              : has_own ? error.message
                                        : std::string(row.message);
  std::string body = "{\"$id\":\"1\",\"innerException\":null,\"message\":" + quote_json(message);
  body += ",\"typeName\":" +
          quote_json("Microsoft.VisualStudio.Services.Common." + std::string(row.type_key) +
                     ", Microsoft.VisualStudio.Services.Common");
  body += ",\"typeKey\":" + quote_json(row.type_key);
  body += ",\"errorCode\":0,\"eventId\":" + std::string(row.status >= 500 ? "0" : "3000");
  if (!error.field.empty()) body += ",\"field\":" + quote_json(error.field);
  body += ",\"error\":" + quote_json(message);  // what npm shows of an answer
  if (lesson) body += lesson_fields(*lesson);
  body += '}';
  const std::string_view link = lesson ? lesson->link : std::string_view();
  http::Response response = write_refusal(scene.form, {row.status, message, link}, std::move(body));
  if (row.status == 401 || row.status == 403) {
    // The address of a link is in the body alone: headers are short in most proxies.
    const std::string in_short =
        lesson ? lesson_message({lesson->operation, lesson->alternatives, ""}) : message;
    response.add_header("X-TFS-ServiceError", percent_encode(in_short));
  }
  response.add_header("X-Latchkey-Error", std::string(error_name(row.code)));
  response.add_header("Cache-Control", "no-store");
  response.add_header("Vary", "Accept, User-Agent");  // which form it has
  add_challenges(response, error, scene);
  if (error.code == method_not_allowed) response.add_header("Allow", error.detail);
  if (row.status == 503) response.add_header("Retry-After", "1");
  return response;
}

int refusal_status(ErrorCode code) { return row_of(code).status; }

std::string_view refusal_name(ErrorCode code) { return error_name(row_of(code).code); }

}  // namespace latchkey::gate
