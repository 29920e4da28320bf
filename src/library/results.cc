// Results of the C interface: their names, and which error each stands for.
#include "library/handles.h"

const char* lk_result_name(lk_result result) {
  switch (result) {
    case LK_GRANTED: return "granted";
    case LK_INDEX_STALE: return "index_stale";
    case LK_TOKEN_MALFORMED: return "token_malformed";
    case LK_TOKEN_UNKNOWN: return "token_unknown";
    case LK_TOKEN_REVOKED: return "token_revoked";
    case LK_TOKEN_EXPIRED: return "token_expired";
    case LK_TOKEN_OWNER_DISABLED: return "token_owner_disabled";
    case LK_TOKEN_WRONG_ORGANIZATION: return "token_wrong_organization";
    case LK_SCOPE_MISSING: return "scope_missing";
    case LK_ROUTE_UNKNOWN: return "route_unknown";
    case LK_METHOD_NOT_ALLOWED: return "method_not_allowed";
    case LK_REQUEST_MALFORMED: return "request_malformed";
    case LK_INVALID_ARGUMENT: return "invalid_argument";
    case LK_CONFIGURATION: return "configuration";
    case LK_SERVER_UNAVAILABLE: return "server_unavailable";
    case LK_INTERNAL: return "internal";
  }
  return "unknown";
}

namespace latchkey::library {

lk_result result_of(ErrorCode code) {
  if (code == ErrorCode::index_stale) return LK_INDEX_STALE;
  if (code == ErrorCode::token_malformed) return LK_TOKEN_MALFORMED;
  if (code == ErrorCode::token_unknown) return LK_TOKEN_UNKNOWN;
  if (code == ErrorCode::token_revoked) return LK_TOKEN_REVOKED;
  if (code == ErrorCode::token_expired) return LK_TOKEN_EXPIRED;
  if (code == ErrorCode::token_owner_disabled) return LK_TOKEN_OWNER_DISABLED;
  if (code == ErrorCode::token_wrong_organization) return LK_TOKEN_WRONG_ORGANIZATION;
  if (code == ErrorCode::scope_missing) return LK_SCOPE_MISSING;
  if (code == ErrorCode::route_unknown) return LK_ROUTE_UNKNOWN;
  if (code == ErrorCode::method_not_allowed) return LK_METHOD_NOT_ALLOWED;
  if (code == ErrorCode::request_malformed) return LK_REQUEST_MALFORMED;
  if (code == ErrorCode::invalid_argument) return LK_INVALID_ARGUMENT;
  if (code == ErrorCode::configuration) return LK_CONFIGURATION;
  if (code == ErrorCode::store_unavailable || code == ErrorCode::timed_out ||
      code == ErrorCode::feed_truncated) {
    return LK_SERVER_UNAVAILABLE;
  }
  return LK_INTERNAL;
}

}  // namespace latchkey::library
