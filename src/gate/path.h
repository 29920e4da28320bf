// Paths and path templates as segments, read one way only.
//
// What a path means must be the same for the guard and for what it guards. So what servers read in
// different ways (an encoded slash, a backslash, dot segments, NUL) is refused, and the rest is
// decoded once, here. Empty segments count as nothing: "//a/b/" is "/a/b".
// Thread safety: pure functions. Spec: docs/spec/openapi-routes.md.
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace latchkey::gate {

inline constexpr size_t kSegmentsMax = 64;

// One segment of a template: concrete text, decoded, or the name of a parameter.
struct TemplateSegment {
  bool is_parameter = false;
  std::string text;
};

// The segments of a template such as "/a/{b}". Errors: configuration (message completes "The path
// ...": no leading slash, a brace inside a segment, a name used twice, too many segments).
Result<std::vector<TemplateSegment>> parse_template(std::string_view path);

// A request's path, decoded and split. The views live as long as this object and the parsed text.
class PathSegments {
 public:
  PathSegments() = default;
  PathSegments(const PathSegments&) = delete;
  PathSegments& operator=(const PathSegments&) = delete;

  // Errors: request_malformed. Cost: allocates only when `path` is percent-encoded.
  Result<void> parse(std::string_view path);
  // Views of a temporary would dangle, so it does not compile.
  template <std::same_as<std::string> Text>
  Result<void> parse(Text&& path) = delete;

  size_t size() const { return size_; }
  // Whether the path has more segments than kSegmentsMax; those above are not kept.
  bool is_too_long() const { return is_too_long_; }
  std::string_view operator[](size_t i) const { return segments_[i]; }

 private:
  std::string decoded_;
  std::array<std::string_view, kSegmentsMax> segments_;
  size_t size_ = 0;
  bool is_too_long_ = false;
};

}  // namespace latchkey::gate
