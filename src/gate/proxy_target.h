// What path an upstream is sent.
//
// The guard reads a path once (gate/path.h); what it read is written anew, so that an upstream can
// read nothing else: segments decoded and encoded again, everything but letters, digits and
// "-._~!$&'()*+,=:@" as %XX, so also ';', which some servers cut off. Empty segments are gone; a
// slash at the end stays. docs/spec/proxy.md. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/path.h"

namespace latchkey::gate {

// The path of `segments`, decoded ones, e.g. "/a/b%20c"; with a slash at the end if
// `ends_in_slash`.
std::string format_proxy_path(const std::vector<std::string_view>& segments, bool ends_in_slash);

// The target of a request whose path was parsed into `segments`; `path` is the one that was parsed,
// for its slash at the end, and `query` goes on as it is.
// REQUIRES: !segments.is_too_long().
std::string format_proxy_target(const PathSegments& segments, std::string_view path,
                                std::string_view query);

}  // namespace latchkey::gate
