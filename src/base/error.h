// The closed list of expected failures.
//
// Every failure that a caller can meet has one code here, one wire answer (src/api/errors.cc, which
// switches without a default so that a new code breaks the build there) and at least one test.
// An Error's texts are shown to people: they name the field and the rule, and never hold a secret.
// Thread safety: values.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace latchkey {

enum class ErrorCode {
  // The request itself.
  invalid_argument,       // a field breaks a rule; `field` names it
  body_malformed,         // not the JSON that the route takes
  request_malformed,      // not HTTP as RFC 9110/9112 and our limits have it
  route_unknown,          // no operation has this path
  method_not_allowed,     // the path exists, the method does not; `detail` lists those that do
  version_missing,        // a write without api-version
  version_unsupported,    // an api-version that the route does not have
  version_needs_preview,  // a preview-only route asked for with a plain version

  // Who asks.
  credential_missing,        // the route takes no anonymous caller
  credential_malformed,      // not Basic or Bearer as RFC 7617 and RFC 6750 have it
  credential_ambiguous,      // two credentials, or one in the query
  credential_kind_refused,   // a good credential of a kind that the route does not take
  token_malformed,           // not the canonical text of a token
  token_unknown,             // well-formed, but no such token
  token_expired,             //
  token_revoked,             //
  token_owner_disabled,      // the owner, the membership or the organization is not active
  token_wrong_organization,  // good, but for another organization
  scope_missing,             // good, but no scope of it allows this; `detail` lists what would do
  session_unknown,           // no such session, or it has ended
  anti_forgery_missing,      // a cookie-borne change without the anti-forgery header
  sign_in_refused,           // unknown login or wrong password; which one is not told
  too_many_attempts,         // throttled; `detail` is the number of seconds to wait
  permission_denied,         // the role of the caller does not allow this
  link_unknown,              // one-time link unknown, used or expired

  // What it is about.
  organization_unknown,
  project_unknown,
  person_unknown,
  member_unknown,
  operation_unknown,
  session_not_found,
  already_exists,  // a unique name is taken; `field` names it
  conflict,        // the state of the subject does not allow the change

  // Lifecycle of tokens: contract values of patTokenError (docs/spec/lifecycle-api.md).
  pat_display_name_required,
  pat_invalid_display_name,
  pat_invalid_valid_to,
  pat_invalid_scope,
  pat_authorization_not_found,
  pat_failed_to_update,
  pat_invalid_authorization_id,
  pat_global_blocked,
  pat_expired_cannot_be_extended,

  // Changes that carry an Idempotency-Key (docs/spec/idempotency.md).
  idempotency_key_reused,  // the key did another change
  token_secret_gone,       // the key made the token `detail`, whose text cannot be shown again

  // Our side.
  index_stale,         // the verifier has not heard from its feed for longer than its bound
  store_unavailable,   // the store refused or could not be reached; nothing was changed
  feed_truncated,      // the feed no longer has the asked revision: load a snapshot
  integrity_violated,  // a MAC, a signature or the hash chain does not match
  overloaded,          // a bounded queue is full; try again later
  timed_out,           // a bounded wait ended
  mail_refused,        // the mail server did not take the mail
  configuration,       // a setting is missing or wrong; `field` names it
  internal,            // our own bug, caught at a boundary
};

// The identifier of `code`, e.g. "token_expired". For logs, metrics and tests.
std::string_view error_name(ErrorCode code);

// Why something could not be done.
struct Error {
  ErrorCode code;
  std::string message;  // a sentence for people; empty where the code says it all
  std::string field;  // the offending field, header or parameter, as the caller spells it; or empty
  std::string detail;  // as the code's comment says; or empty

  Error(ErrorCode error_code, std::string error_message = {}, std::string error_field = {},
        std::string error_detail = {})
      : code(error_code),
        message(std::move(error_message)),
        field(std::move(error_field)),
        detail(std::move(error_detail)) {}
};

// The error of a field that breaks a rule. `rule` completes the sentence "`field` ...", e.g.
// "must be at most 64 characters long".
Error invalid_field(std::string_view field, std::string_view rule);

}  // namespace latchkey
