#include "api/errors.h"

#include <iterator>

#include "base/json.h"
#include "base/text.h"
#include "gate/refusal_texts.h"

namespace latchkey::api {
namespace {

struct Row {
  ErrorCode code;
  int status;
  std::string_view type_key;
  std::string_view message;  // when the error brings none
};

constexpr std::string_view kUnauthorized = "UnauthorizedRequestException";
constexpr std::string_view kAccessCheck = "AccessCheckException";
constexpr std::string_view kArgument = "VssPropertyValidationException";
constexpr std::string_view kConflict = "ConflictException";

using enum ErrorCode;

// In the order of the closed list; the assertion below holds each code to its place, so that a code
// without a row breaks the build. Clients know 401 for a credential that is not good, 403 for a
// good one that is not enough. Malformed and unknown tokens look alike. The pat_ codes are answered
// with status 200 by the lifecycle routes (pat_token_error); elsewhere they are plain refusals.
constexpr Row kRows[] = {
    {invalid_argument, 400, kArgument, "The request breaks a rule."},
    {body_malformed, 400, "JsonReaderException", "The body is not JSON."},
    {request_malformed, 400, "VssRequestMalformedException", "The request is malformed."},
    {route_unknown, 404, "ControllerNotFoundException", "There is no such route."},
    {method_not_allowed, 405, "VssMethodNotAllowedException", "The route lacks this method."},
    {version_missing, 400, "VssVersionNotSpecifiedException",
     "No api-version was given. Add ?api-version=7.1, or 7.1-preview.1 for a preview route."},
    {version_unsupported, 400, "VssVersionOutOfRangeException",
     "The api-version is not supported here."},
    {version_needs_preview, 400, "VssInvalidPreviewVersionException",
     "The route is a preview: its api-version ends with -preview, as in 7.1-preview.1."},
    {credential_missing, 401, kUnauthorized, gate::kNoCredential},
    {credential_malformed, 401, kUnauthorized, gate::kUnknownCredential},
    {credential_ambiguous, 400, "VssRequestMalformedException", gate::kSeveralCredentials},
    {credential_kind_refused, 401, "InvalidAccessException",
     "The requested operation is not allowed. This route does not take this kind of credential: a "
     "token is managed by a signed-in person, and tells about itself only to its own holder."},
    {token_malformed, 401, kUnauthorized, gate::kUnknownCredential},
    {token_unknown, 401, kUnauthorized, gate::kUnknownCredential},
    {token_expired, 401, kAccessCheck, gate::kTokenExpired},
    {token_revoked, 401, kAccessCheck, gate::kTokenRevoked},
    {token_owner_disabled, 401, kAccessCheck, gate::kOwnerDisabled},
    {token_wrong_organization, 401, kUnauthorized, gate::kOtherOrganization},
    {scope_missing, 403, kAccessCheck, gate::kScopeMissing},
    {session_unknown, 401, kUnauthorized, "The session has ended. Sign in again."},
    {anti_forgery_missing, 403, "AntiForgeryException",
     "A change that carries the session's cookie needs the header X-Latchkey-Request."},
    {sign_in_refused, 401, "SignInRefusedException",
     "The e-mail address or the password is not right."},
    {too_many_attempts, 429, "TooManyAttemptsException", "Too many attempts. Try again later."},
    {permission_denied, 403, kAccessCheck, "Access Denied: Your role does not allow this."},
    {link_unknown, 404, "LinkNotFoundException",
     "The one-time link is unknown, used or expired. Ask for a new one."},
    {organization_unknown, 404, "OrganizationNotFoundException",
     "There is no such organization, or you are no member of it."},
    {project_unknown, 404, "ProjectDoesNotExistWithNameException",
     "TF200016: The project does not exist, or you may not see it."},
    {person_unknown, 404, "IdentityNotFoundException", "There is no such person."},
    {member_unknown, 404, "MemberNotFoundException",
     "The person is no member of this organization."},
    {operation_unknown, 404, "OperationNotFoundException", "There is no such operation."},
    {session_not_found, 404, "SessionNotFoundException", "There is no such session."},
    {already_exists, 409, "AlreadyExistsException", "The name is taken. Choose another one."},
    {conflict, 409, kConflict, "The state does not allow this change."},
    {pat_display_name_required, 400, kArgument, "The token needs a name."},
    {pat_invalid_display_name, 400, kArgument, "The token's name breaks a rule."},
    {pat_invalid_valid_to, 400, kArgument, "The token's expiry breaks a rule."},
    {pat_invalid_scope, 400, kArgument, "The token's scopes break a rule."},
    {pat_authorization_not_found, 404, "TokenNotFoundException",
     "There is no such token in this organization."},
    {pat_failed_to_update, 409, kConflict, "The token is revoked and cannot be changed."},
    {pat_invalid_authorization_id, 400, kArgument, "The authorizationId is not a UUID."},
    {pat_global_blocked, 400, kArgument, "A token is for one organization."},
    {pat_expired_cannot_be_extended, 409, kConflict,
     "The token has expired and cannot be changed."},
    {idempotency_key_reused, 422, "IdempotencyKeyReusedException",
     "The Idempotency-Key was used for another request; nothing was done. Take a new key for "
     "each."},
    {token_secret_gone, 409, "TokenSecretGoneException",
     "The token was made, but its text can no longer be shown. Regenerate or revoke it."},
    {index_stale, 503, "IndexStaleException",
     "Tokens cannot be checked right now, so nothing is let through. Try again."},
    {store_unavailable, 503, "StoreUnavailableException",
     "The store is not available; nothing was changed. Try again."},
    {feed_truncated, 410, "FeedTruncatedException",
     "What changed since is not here any more: load the snapshot."},
    {integrity_violated, 500, "IntegrityException",
     "Stored data failed its integrity check; the log says where."},
    {overloaded, 503, "ServiceOverloadedException", "The server is busy. Try again."},
    {timed_out, 503, "TimeoutException", "It took too long. Try again."},
    {mail_refused, 503, "MailException", "The mail server did not take the mail."},
    {configuration, 500, "ConfigurationException", "A setting is wrong; the log says which."},
    {internal, 500, "InternalException", "An internal error occurred; the log has the request id."},
};

constexpr bool every_code_has_its_row() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].code) != i) return false;
  }
  return std::size(kRows) == static_cast<size_t>(internal) + 1;
}
static_assert(every_code_has_its_row());

const Row& row_of(ErrorCode code) { return kRows[static_cast<size_t>(code)]; }

std::string challenge(std::string_view scheme, const ErrorScene& scene, std::string_view rest) {
  std::string value(scheme);
  value += " realm=\"";
  value += scene.public_url;
  value += "/\"";
  value += rest;
  return value;
}

// RFC 6750 section 3: what the token lacks, or that it is no good.
void add_challenges(http::Response& response, const Error& error, const ErrorScene& scene) {
  if (response.status == 403 && error.code == ErrorCode::scope_missing) {
    response.add_header("WWW-Authenticate",
                        challenge("Bearer", scene,
                                  ", error=\"insufficient_scope\", scope=\"" + error.detail + '"'));
  }
  if (response.status != 401 || scene.is_page_request) return;
  if (error.code == ErrorCode::sign_in_refused) return;
  response.add_header("WWW-Authenticate", challenge("Basic", scene, ", charset=\"UTF-8\""));
  const bool presented = error.code != ErrorCode::credential_missing;
  response.add_header("WWW-Authenticate",
                      challenge("Bearer", scene, presented ? ", error=\"invalid_token\"" : ""));
}

}  // namespace

http::Response error_response(const Error& error, const ErrorScene& scene) {
  const Row& row = row_of(error.code);
  const gate::Lesson* lesson = error.code == scope_missing ? scene.lesson : nullptr;
  const std::string message = lesson != nullptr       ? gate::lesson_message(*lesson)
                              : error.message.empty() ? std::string(row.message)
                                                      : error.message;
  std::string body = "{\"$id\":\"1\",\"innerException\":null,\"message\":" + quote_json(message);
  body += ",\"typeName\":" +
          quote_json("Microsoft.VisualStudio.Services.Common." + std::string(row.type_key) +
                     ", Microsoft.VisualStudio.Services.Common");
  body += ",\"typeKey\":" + quote_json(row.type_key);
  body += ",\"errorCode\":0,\"eventId\":" + std::string(row.status >= 500 ? "0" : "3000");
  if (!error.field.empty()) body += ",\"field\":" + quote_json(error.field);
  if (error.code == ErrorCode::token_secret_gone) {
    body += ",\"authorizationId\":" + quote_json(error.detail);
  }
  if (lesson != nullptr) body += gate::lesson_fields(*lesson);
  body += '}';
  http::Response response =
      http::make_response(row.status, "application/json; charset=utf-8", std::move(body));
  if (row.status == 401 || row.status == 403) {
    // The address of a link is in the body alone: headers are short in most proxies.
    const std::string short_message =
        lesson != nullptr ? gate::lesson_message({lesson->operation, lesson->alternatives, ""})
                          : message;
    response.add_header("X-TFS-ServiceError", percent_encode(short_message));
  }
  add_challenges(response, error, scene);
  if (error.code == ErrorCode::method_not_allowed) response.add_header("Allow", error.detail);
  if (error.code == ErrorCode::too_many_attempts) response.add_header("Retry-After", error.detail);
  if (row.status == 503) response.add_header("Retry-After", "1");
  return response;
}

std::string_view pat_token_error(ErrorCode code, bool knows_7_2) {
  if (code == ErrorCode::pat_display_name_required) return "displayNameRequired";
  if (code == ErrorCode::pat_invalid_display_name) return "invalidDisplayName";
  if (code == ErrorCode::pat_invalid_valid_to) return "invalidValidTo";
  if (code == ErrorCode::pat_invalid_scope) return "invalidScope";
  if (code == ErrorCode::pat_authorization_not_found) return "authorizationNotFound";
  if (code == ErrorCode::pat_failed_to_update) return "failedToUpdateAccessToken";
  if (code == ErrorCode::pat_invalid_authorization_id) return "invalidAuthorizationId";
  if (code == ErrorCode::pat_global_blocked) {
    return knows_7_2 ? "globalPATCreationBlocked" : "globalPatPolicyViolation";
  }
  if (code == ErrorCode::pat_expired_cannot_be_extended) {
    return knows_7_2 ? "expiredPatCannotBeExtended" : "failedToUpdateAccessToken";
  }
  return {};
}

}  // namespace latchkey::api
