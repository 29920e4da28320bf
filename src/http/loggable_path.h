// What of a request's path may stand in a log.
//
// People paste secrets into addresses by mistake. A query is never logged; in the path, a segment
// as long as a token is replaced by its length. Thread safety: pure functions. Spec:
// docs/spec/http.md H33.
#pragma once

#include <string>
#include <string_view>

namespace latchkey::http {

// `path` with each segment of more than 64 bytes as "[N bytes]", and at most 200 bytes of the
// whole.
std::string loggable_path(std::string_view path);

}  // namespace latchkey::http
