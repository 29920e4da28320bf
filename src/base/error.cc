#include "base/error.h"

#include "base/assert.h"

namespace latchkey {

std::string_view error_name(ErrorCode code) {
  switch (code) {
#define LK_NAME(name) \
  case ErrorCode::name: return #name;
    LK_NAME(invalid_argument)
    LK_NAME(body_malformed)
    LK_NAME(request_malformed)
    LK_NAME(route_unknown)
    LK_NAME(method_not_allowed)
    LK_NAME(version_missing)
    LK_NAME(version_unsupported)
    LK_NAME(version_needs_preview)
    LK_NAME(credential_missing)
    LK_NAME(credential_malformed)
    LK_NAME(credential_ambiguous)
    LK_NAME(credential_kind_refused)
    LK_NAME(token_malformed)
    LK_NAME(token_unknown)
    LK_NAME(token_expired)
    LK_NAME(token_revoked)
    LK_NAME(token_owner_disabled)
    LK_NAME(token_wrong_organization)
    LK_NAME(scope_missing)
    LK_NAME(session_unknown)
    LK_NAME(anti_forgery_missing)
    LK_NAME(sign_in_refused)
    LK_NAME(too_many_attempts)
    LK_NAME(permission_denied)
    LK_NAME(link_unknown)
    LK_NAME(organization_unknown)
    LK_NAME(project_unknown)
    LK_NAME(person_unknown)
    LK_NAME(member_unknown)
    LK_NAME(operation_unknown)
    LK_NAME(session_not_found)
    LK_NAME(already_exists)
    LK_NAME(conflict)
    LK_NAME(pat_display_name_required)
    LK_NAME(pat_invalid_display_name)
    LK_NAME(pat_invalid_valid_to)
    LK_NAME(pat_invalid_scope)
    LK_NAME(pat_authorization_not_found)
    LK_NAME(pat_failed_to_update)
    LK_NAME(pat_invalid_authorization_id)
    LK_NAME(pat_global_blocked)
    LK_NAME(pat_expired_cannot_be_extended)
    LK_NAME(idempotency_key_reused)
    LK_NAME(token_secret_gone)
    LK_NAME(index_stale)
    LK_NAME(store_unavailable)
    LK_NAME(feed_truncated)
    LK_NAME(integrity_violated)
    LK_NAME(overloaded)
    LK_NAME(timed_out)
    LK_NAME(mail_refused)
    LK_NAME(configuration)
    LK_NAME(internal)
#undef LK_NAME
  }
  LK_ASSERT(false);
  return "";
}

Error invalid_field(std::string_view field, std::string_view rule) {
  std::string message = "'";
  message += field;
  message += "' ";
  message += rule;
  message += '.';
  return Error(ErrorCode::invalid_argument, std::move(message), std::string(field));
}

}  // namespace latchkey
