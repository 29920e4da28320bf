// Which api-version a request speaks.
//
// A version stands in the query (?api-version=7.1) or in Accept (application/json;api-version=7.1).
// A route that exists only as a preview refuses a plain version; a read without any is served
// as 7.1, a write is refused. Contract, "Versions"; rules: docs/spec/api-versions.md. Thread
// safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "http/message.h"

namespace latchkey::api {

struct ApiVersion {
  int major = 7;
  int minor = 1;
  bool preview = false;
  std::string text = "7.1";  // as asked for

  bool at_least(int other_major, int other_minor) const {
    return std::pair(major, minor) >= std::pair(other_major, other_minor);
  }
};

enum class VersionRule {
  none,             // a route of our own: no version is looked at
  any,              // any version or none, for reads and writes: the calls that find the others
  released,         // 1.0 to 7.2, plain or preview
  preview,          // 1.0 to 7.2, preview only
  preview_from_61,  // 6.1 to 7.2, preview only: the lifecycle API
};

// The version that `request` asks for, if `rule` has it.
// Errors: version_missing, version_unsupported, version_needs_preview; `field` is "api-version".
Result<ApiVersion> negotiate_version(VersionRule rule, const http::Request& request,
                                     const http::QueryParameters& query);

}  // namespace latchkey::api
