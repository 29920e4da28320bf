// What a gate answers to who is not let through.
//
// The body is that of our own API's refusals, so that a client of one reads the other; 401 and 403
// have their challenges and the message in a header. One row for each code that a decision can end
// with. Malformed and unknown tokens give one and the same answer. Thread safety: pure functions.
// Spec: docs/spec/gate.md, refusals.md.
#pragma once

#include <string_view>

#include "base/error.h"
#include "gate/lesson.h"
#include "gate/refusal_body.h"
#include "http/message.h"

namespace latchkey::gate {

// What a refusal needs to know of its request. The texts are borrowed for the call.
struct RefusalScene {
  std::string_view realm;          // of the challenges: the host that was asked
  bool basic_only = false;         // no Bearer challenge: container clients take it for an address
  const Lesson* lesson = nullptr;  // of a scope that is missing; null: the error's own words
  RefusalForm form = RefusalForm::json;
};

// The answer for `error`. What is no refusal of a gate is a 500 without its message.
http::Response refusal_response(const Error& error, const RefusalScene& scene);

// The status of that answer.
int refusal_status(ErrorCode code);

// The name of `error` as a caller may know it: what is malformed is "token_unknown" too.
std::string_view refusal_name(ErrorCode code);

}  // namespace latchkey::gate
