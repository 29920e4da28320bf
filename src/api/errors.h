// How each error looks on the wire.
//
// One row for each ErrorCode: status, the typeKey that clients switch on, and the challenge where
// the credential is at fault. The switch has no default, so that a new code breaks the build here.
// Body form: docs/spec/authentication.md. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gate/lesson.h"
#include "http/message.h"

namespace latchkey::api {

// What an error answer needs to know of its request.
struct ErrorScene {
  std::string_view public_url;   // the realm of the challenges
  bool is_page_request = false;  // from a page of ours: no Basic challenge, so no password box
  const gate::Lesson* lesson = nullptr;  // of a 403 for a missing scope, where it is known
};

// The answer for `error`. Malformed and unknown tokens give one and the same.
http::Response error_response(const Error& error, const ErrorScene& scene);

// The value of patTokenError for `code` as clients of api-version `major`.`minor` know it; empty
// when `code` is no lifecycle error. docs/spec/lifecycle-api.md has the table.
std::string_view pat_token_error(ErrorCode code, bool knows_7_2);

}  // namespace latchkey::api
