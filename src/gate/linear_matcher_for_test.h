// The route table's rule as a plain loop, to compare the table with. For tests and fuzzing.
//
// Of the templates that match, the one counts that is the most concrete at the first place where it
// differs from each other one; then the method. Only what a path's segments are is shared with the
// table (gate/path.h). Thread safety: one thread.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "gate/openapi.h"
#include "gate/path.h"

namespace latchkey::gate {

// The segments of `path`, kept for the next time: a loop asks for the same ones again and again.
inline const std::vector<TemplateSegment>& segments_of(const std::string& path) {
  static std::map<std::string, std::vector<TemplateSegment>> known;
  const auto found = known.find(path);
  if (found != known.end()) return found->second;
  if (known.size() > 10'000) known.clear();
  return known.emplace(path, *parse_template(path)).first->second;
}

// How `segment` stands among those that match `text`: lower wins; nothing if it does not match.
inline std::optional<std::string> rank_of(const TemplateSegment& segment, std::string_view text) {
  switch (segment.kind) {
    case SegmentKind::concrete:
      if (!ascii_equal_ignoring_case(segment.text, text)) return std::nullopt;
      return "a";
    case SegmentKind::mixed: {
      if (!segment.match_mixed(text)) return std::nullopt;
      size_t literal_bytes = 0;
      for (const std::string& literal : segment.literals) literal_bytes += literal.size();
      const std::string key = template_key({segment});
      return "b" + std::string(1, static_cast<char>(255 - std::min<size_t>(literal_bytes, 255))) +
             key;
    }
    case SegmentKind::parameter: return "c";
    case SegmentKind::rest: return "d";
  }
  return std::nullopt;
}

// The operation_id that `method` on `path` is, or the name of the error.
// REQUIRES: RouteTable::build() takes `operations`.
inline std::string match_linearly(const std::vector<Operation>& operations, std::string_view method,
                                  std::string_view path) {
  PathSegments parts;
  if (const auto parsed = parts.parse(path); !parsed) {
    return std::string(error_name(parsed.error().code));
  }
  std::vector<std::string> best;
  std::string found;
  bool is_known = false;
  for (const Operation& candidate : operations) {
    const std::vector<TemplateSegment>& segments = segments_of(candidate.path);
    const bool has_rest = !segments.empty() && segments.back().kind == SegmentKind::rest;
    if (parts.is_too_long() || parts.size() < segments.size()) continue;
    if (parts.size() > segments.size() && !has_rest) continue;
    std::vector<std::string> ranks;
    for (size_t i = 0; i < segments.size(); ++i) {
      auto rank = rank_of(segments[i], parts[i]);
      if (!rank) break;
      ranks.push_back(*std::move(rank));
    }
    if (ranks.size() != segments.size() || (is_known && best < ranks)) continue;
    if (!is_known || ranks < best) found.clear();
    is_known = true;
    best = ranks;
    if (candidate.method == method) found = candidate.operation_id;
  }
  if (!found.empty()) return found;
  if (is_known && method == "HEAD") return match_linearly(operations, "GET", path);
  const bool has_star = method != "*" && method != "TRACE" && method != "CONNECT";
  if (is_known && has_star) return match_linearly(operations, "*", path);
  return is_known ? "method_not_allowed" : "route_unknown";
}

}  // namespace latchkey::gate
