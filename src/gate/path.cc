#include "gate/path.h"

#include <algorithm>
#include <set>
#include <utility>

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

// Stands for an encoded slash while a path is cut: no path that has it comes so far.
constexpr char kSlashMark = '\x01';

// `path`, whose encoding is good, decoded but for its encoded slashes, which are marks.
std::string decode_with_marks(std::string_view path) {
  std::string marked;
  for (size_t i = 0; i < path.size(); ++i) {
    if (ascii_equal_ignoring_case(path.substr(i, 3), "%2f")) {
      marked += kSlashMark;
      i += 2;
    } else {
      marked += path[i];
    }
  }
  return *percent_decode(marked, PlusSign::literal);
}

constexpr size_t kMixedParametersMax = 8;

// `text` of a template, decoded, as it stands in a request's path behind `before` ("/", or "/x" for
// a part of a segment, which may be a dot); nothing if no path can have it.
std::optional<std::string> decode_literal(std::string_view before, std::string_view text) {
  const std::string path = std::string(before).append(text);  // outlives the views of it
  PathSegments concrete;
  if (!concrete.parse(path) || concrete.size() != 1) return std::nullopt;
  return std::string(concrete[0].substr(before.size() - 1));
}

// Cuts "a{b}c" into the literals "a", "c" and the name "b".
Result<TemplateSegment> parse_pieces(std::string_view text) {
  TemplateSegment segment;
  segment.literals.emplace_back();
  while (!text.empty()) {
    const size_t open = text.find('{');
    segment.literals.back() = text.substr(0, open);
    if (open == text.npos) break;
    const size_t close = text.find('}', open);
    if (close == text.npos || close == open + 1) return wrong("has a brace that is no parameter");
    const std::string_view name = text.substr(open + 1, close - open - 1);
    if (name.find('{') != name.npos) return wrong("has a brace that is no parameter");
    if (!segment.names.empty() && open == 0) {
      return wrong("has two parameters with nothing between them");
    }
    if (segment.names.size() == kMixedParametersMax) {
      return wrong("has more than 8 parameters in a segment");
    }
    segment.names.emplace_back(name);
    segment.literals.emplace_back();
    text.remove_prefix(close + 1);
  }
  for (const std::string& literal : segment.literals) {
    if (literal.find_first_of("}?#") != literal.npos) {
      return wrong("has a query, a fragment or a brace that is no parameter");
    }
  }
  return segment;
}

Result<TemplateSegment> parse_segment(std::string_view text) {
  LK_TRY(TemplateSegment segment, parse_pieces(text));
  const bool is_whole =
      segment.names.size() == 1 && segment.literals[0].empty() && segment.literals[1].empty();
  if (is_whole) {
    const std::string name = segment.names[0];
    if (!name.starts_with('*')) return TemplateSegment{SegmentKind::parameter, name, {}, {}};
    if (name.size() == 1) return wrong("has a rest without a name");
    return TemplateSegment{SegmentKind::rest, name.substr(1), {}, {}};
  }
  segment.kind = segment.names.empty() ? SegmentKind::concrete : SegmentKind::mixed;
  for (std::string& literal : segment.literals) {
    if (literal.empty()) continue;
    auto decoded = decode_literal(segment.kind == SegmentKind::concrete ? "/" : "/x", literal);
    if (!decoded) return wrong("has a segment that no request's path can have");
    literal = *std::move(decoded);
  }
  if (segment.kind == SegmentKind::concrete) {
    return TemplateSegment{SegmentKind::concrete, segment.literals[0], {}, {}};
  }
  return segment;
}

// Where `wanted` begins in `text` at or after `from`, without ASCII case.
size_t find_ignoring_case(std::string_view text, std::string_view wanted, size_t from) {
  for (size_t i = from; i + wanted.size() <= text.size(); ++i) {
    if (ascii_equal_ignoring_case(text.substr(i, wanted.size()), wanted)) return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<std::vector<std::string_view>> TemplateSegment::match_mixed(
    std::string_view segment) const {
  const std::string& last = literals.back();
  if (!ascii_starts_with_ignoring_case(segment, literals.front())) return std::nullopt;
  std::vector<std::string_view> values;
  size_t begin = literals.front().size();
  for (size_t i = 1; i + 1 < literals.size(); ++i) {
    const size_t end = find_ignoring_case(segment, literals[i], begin + 1);
    if (end == std::string_view::npos) return std::nullopt;
    values.push_back(segment.substr(begin, end - begin));
    begin = end + literals[i].size();
  }
  if (segment.size() < begin + 1 + last.size()) return std::nullopt;
  const size_t end = segment.size() - last.size();
  if (!ascii_equal_ignoring_case(segment.substr(end), last)) return std::nullopt;
  values.push_back(segment.substr(begin, end - begin));
  return values;
}

bool TemplateSegment::is_spelled_alike(std::string_view segment) const {
  if (kind != SegmentKind::mixed) return true;
  const auto values = match_mixed(segment);
  std::string spelled = literals.front();
  for (size_t i = 0; i < values->size(); ++i) spelled.append((*values)[i]).append(literals[i + 1]);
  return spelled == segment;
}

Result<std::vector<TemplateSegment>> parse_template(std::string_view path) {
  if (!path.starts_with('/')) return wrong("must begin with a slash");
  std::vector<TemplateSegment> segments;
  for (const std::string_view text : split(path, '/')) {
    if (text.empty()) continue;
    if (segments.size() == kSegmentsMax) return wrong("has more than 64 segments");
    if (!segments.empty() && segments.back().kind == SegmentKind::rest) {
      return wrong("goes on after a rest");
    }
    LK_TRY(TemplateSegment segment, parse_segment(text));
    segments.push_back(std::move(segment));
  }
  std::set<std::string> names;
  for (std::string& name : parameter_names(segments)) {
    if (!names.insert(std::move(name)).second) return wrong("has a parameter twice");
  }
  return segments;
}

std::vector<std::string> parameter_names(const std::vector<TemplateSegment>& segments) {
  std::vector<std::string> names;
  for (const TemplateSegment& segment : segments) {
    names.insert(names.end(), segment.names.begin(), segment.names.end());
    const bool is_whole =
        segment.kind == SegmentKind::parameter || segment.kind == SegmentKind::rest;
    if (is_whole) names.push_back(segment.text);
  }
  return names;
}

namespace {

// A brace in a text is written so that it is not taken for a parameter; no folded text has the B.
std::string literal_key(std::string_view literal) {
  std::string key;
  for (const char c : literal) key += c == '{' ? "%7B" : std::string(1, ascii_lower(c));
  return key;
}

}  // namespace

std::string template_key(const std::vector<TemplateSegment>& segments) {
  std::string key;
  for (const TemplateSegment& segment : segments) {
    key += '/';
    switch (segment.kind) {
      case SegmentKind::concrete: key += literal_key(segment.text); break;
      case SegmentKind::parameter: key += "{}"; break;
      case SegmentKind::rest: key += "{*}"; break;
      case SegmentKind::mixed:
        for (size_t i = 0; i < segment.literals.size(); ++i) {
          key += (i == 0 ? "" : "{}") + literal_key(segment.literals[i]);
        }
        break;
    }
  }
  return key;
}

Result<void> PathSegments::parse(std::string_view path, EncodedSlash encoded_slash) {
  size_ = 0;
  is_too_long_ = false;
  if (!path.starts_with('/')) return malformed("The path must begin with a slash.");
  const std::string_view sent = path;
  const bool has_marks = has_encoded_slash(path);
  if (path.find('%') != std::string_view::npos) {
    if (has_marks && encoded_slash == EncodedSlash::refused) {
      return malformed("The path has an encoded slash.");
    }
    auto decoded = percent_decode(path, PlusSign::literal);
    if (!decoded) return malformed("The path has a broken percent-encoding.");
    decoded_ = std::move(*decoded);
    path = decoded_;
  }
  if (!is_utf8(path)) return malformed("The path is not UTF-8.");
  if (has_control_character(path)) return malformed("The path has a control character.");
  if (path.find('\\') != std::string_view::npos) return malformed("The path has a backslash.");
  if (has_marks) path = decoded_ = decode_with_marks(sent);
  return split_segments(path, has_marks);
}

// Cuts `path`, which is decoded. A mark stands for an encoded slash; what that parts must be good
// segments too, for a reader who parts there.
Result<void> PathSegments::split_segments(std::string_view path, bool has_marks) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment.empty()) continue;
    if (segment == "." || segment == "..") return malformed("The path has a dot segment.");
    if (has_marks && segment.find(kSlashMark) != segment.npos) {
      for (const std::string_view part : split(segment, kSlashMark)) {
        if (part.empty() || part == "." || part == "..") {
          return malformed("The path has an empty or dot segment beside an encoded slash.");
        }
      }
    }
    if (size_ == kSegmentsMax) {
      is_too_long_ = true;
    } else {
      segments_[size_++] = segment;
    }
  }
  if (has_marks) std::replace(decoded_.begin(), decoded_.end(), kSlashMark, '/');
  return {};
}

}  // namespace latchkey::gate
