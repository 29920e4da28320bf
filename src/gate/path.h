// Paths and path templates as segments, read one way only.
//
// What a path means must be the same for the guard and for what it guards. So what servers read in
// different ways (an encoded slash, a backslash, dot segments, NUL) is refused, and the rest is
// decoded once, here. Empty segments count as nothing: "//a/b/" is "/a/b". All matching is linear.
// Thread safety: pure functions. Spec: docs/spec/openapi-routes.md.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace latchkey::gate {

inline constexpr size_t kSegmentsMax = 64;

// In the order of precedence among templates that match one path.
enum class SegmentKind {
  concrete,   // "projects"
  mixed,      // "@{scope}" or "{base}...{head}": text and parameters
  parameter,  // "{id}"
  rest        // "{*path}": this segment and all after it; only at the end
};

// One segment of a template.
struct TemplateSegment {
  SegmentKind kind = SegmentKind::concrete;
  std::string text;                   // concrete: decoded; parameter and rest: the name
  std::vector<std::string> literals;  // mixed: the texts before, between and after its parameters
  std::vector<std::string> names;     // mixed: its parameters, one fewer than literals

  // The values of a mixed segment's parameters in `segment`, each at least one byte, the first as
  // short as can be; nothing if it does not match. Cost: linear in `segment`.
  std::optional<std::vector<std::string_view>> match_mixed(std::string_view segment) const;
  // Whether the texts of a mixed segment stand in `segment` as they are here, case and all; true of
  // others. REQUIRES: it matches.
  bool is_spelled_alike(std::string_view segment) const;
};

// The segments of a template such as "/a/{b}". Errors: configuration (message completes "The path
// ...": no leading slash, braces that are no parameter, a name used twice, two parameters with
// nothing between them, a rest that is not last, too many segments).
Result<std::vector<TemplateSegment>> parse_template(std::string_view path);
// The names of all parameters, in their order.
std::vector<std::string> parameter_names(const std::vector<TemplateSegment>& segments);
// One text for all templates that no request can tell apart: names left out, without case.
std::string template_key(const std::vector<TemplateSegment>& segments);

// What an encoded slash in a path is. npm writes the names of packages so: "/@scope%2fname".
enum class EncodedSlash {
  refused,     // request_malformed: servers read it in different ways
  in_segment,  // a byte of its segment, which no text of a template has
};

// A request's path, decoded and split. The views live as long as this object and the parsed text.
class PathSegments {
 public:
  PathSegments() = default;
  PathSegments(const PathSegments&) = delete;
  PathSegments& operator=(const PathSegments&) = delete;

  // Errors: request_malformed. Cost: allocates only when `path` is percent-encoded.
  Result<void> parse(std::string_view path, EncodedSlash encoded_slash = EncodedSlash::refused);
  // Views of a temporary would dangle, so it does not compile.
  template <std::same_as<std::string> Text>
  Result<void> parse(Text&& path, EncodedSlash encoded_slash = EncodedSlash::refused) = delete;

  size_t size() const { return size_; }
  // Whether the path has more segments than kSegmentsMax; those above are not kept.
  bool is_too_long() const { return is_too_long_; }
  std::string_view operator[](size_t i) const { return segments_[i]; }

 private:
  Result<void> split_segments(std::string_view path, bool has_marks);

  std::string decoded_;
  std::array<std::string_view, kSegmentsMax> segments_;
  size_t size_ = 0;
  bool is_too_long_ = false;
};

}  // namespace latchkey::gate
