#include "gate/path.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace latchkey::gate {
namespace {

Error malformed(const char* rule) { return Error(ErrorCode::request_malformed, rule); }

Error wrong(const char* rule) { return Error(ErrorCode::configuration, rule); }

// Whether an encoded slash, which would split a segment for one reader only, is in `path`.
bool has_encoded_slash(std::string_view path) {
  for (size_t i = path.find('%'); i != std::string_view::npos; i = path.find('%', i + 1)) {
    if (ascii_equal_ignoring_case(path.substr(i, 3), "%2f")) return true;
  }
  return false;
}

// The parameter's name if `segment` is "{name}".
std::optional<std::string_view> find_parameter(std::string_view segment) {
  if (!segment.starts_with('{') || !segment.ends_with('}') || segment.size() < 3) {
    return std::nullopt;
  }
  const std::string_view name = segment.substr(1, segment.size() - 2);
  if (name.find_first_of("{}") != std::string_view::npos) return std::nullopt;
  return name;
}

}  // namespace

Result<std::vector<TemplateSegment>> parse_template(std::string_view path) {
  if (!path.starts_with('/')) return wrong("must begin with a slash");
  std::vector<TemplateSegment> segments;
  for (const std::string_view text : split(path, '/')) {
    if (text.empty()) continue;
    if (segments.size() == kSegmentsMax) return wrong("has more than 64 segments");
    if (const auto name = find_parameter(text)) {
      const bool is_taken = std::any_of(segments.begin(), segments.end(), [&](const auto& other) {
        return other.is_parameter && other.text == *name;
      });
      if (is_taken) return wrong("has a parameter twice");
      segments.push_back({true, std::string(*name)});
      continue;
    }
    if (text.find_first_of("{}?#") != std::string_view::npos) {
      return wrong("may have a parameter as a whole segment only, and no query");
    }
    const std::string with_slash = std::string("/").append(text);  // outlives the views of it
    PathSegments concrete;
    if (!concrete.parse(with_slash)) {
      return wrong("has a segment that no request's path can have");
    }
    segments.push_back({false, std::string(concrete[0])});
  }
  return segments;
}

Result<void> PathSegments::parse(std::string_view path) {
  size_ = 0;
  is_too_long_ = false;
  if (!path.starts_with('/')) return malformed("The path must begin with a slash.");
  if (path.find('%') != std::string_view::npos) {
    if (has_encoded_slash(path)) return malformed("The path has an encoded slash.");
    auto decoded = percent_decode(path, PlusSign::literal);
    if (!decoded) return malformed("The path has a broken percent-encoding.");
    decoded_ = std::move(*decoded);
    path = decoded_;
  }
  if (!is_utf8(path)) return malformed("The path is not UTF-8.");
  if (has_control_character(path)) return malformed("The path has a control character.");
  if (path.find('\\') != std::string_view::npos) return malformed("The path has a backslash.");
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment.empty()) continue;
    if (segment == "." || segment == "..") return malformed("The path has a dot segment.");
    if (size_ == kSegmentsMax) {
      is_too_long_ = true;
    } else {
      segments_[size_++] = segment;
    }
  }
  return {};
}

}  // namespace latchkey::gate
