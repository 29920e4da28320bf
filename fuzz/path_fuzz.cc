// A path is read one way only: what its segments are stays so when they are written and read again,
// and nothing that servers read in different ways is among them.
#include "gate/path.h"

#include <string>

#include "base/text.h"
#include "http/loggable_path.h"
#include "target.h"

namespace latchkey::gate {
namespace {

void check_segments(const PathSegments& segments) {
  std::string written;
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string_view segment = segments[i];
    LK_ASSERT(!segment.empty() && segment != "." && segment != "..");
    LK_ASSERT(segment.find_first_of("/\\") == segment.npos);
    LK_ASSERT(is_utf8(segment) && !has_control_character(segment));
    written += '/';
    written += percent_encode(segment);
  }
  PathSegments again;
  LK_ASSERT(again.parse(written.empty() ? std::string_view("/") : std::string_view(written)));
  LK_ASSERT(again.size() == segments.size() && !again.is_too_long());
  for (size_t i = 0; i < segments.size(); ++i) LK_ASSERT(again[i] == segments[i]);
}

// The shortest segment that `segment` matches, with "x" for each parameter.
std::string example_of(const TemplateSegment& segment) {
  std::string example = segment.literals[0];
  for (size_t i = 1; i < segment.literals.size(); ++i) example += "x" + segment.literals[i];
  return example;
}

// A template's concrete segments are what a request's path has there, and what it mixes of text and
// parameters matches itself with something in their place.
void check_segment(const TemplateSegment& segment) {
  switch (segment.kind) {
    case SegmentKind::parameter:
    case SegmentKind::rest:
      LK_ASSERT(!segment.text.empty());
      LK_ASSERT(segment.text.find_first_of("{}/") == segment.text.npos);
      return;
    case SegmentKind::mixed: {
      LK_ASSERT(!segment.names.empty());
      LK_ASSERT(segment.literals.size() == segment.names.size() + 1);
      const std::string example = example_of(segment);
      const auto values = segment.match_mixed(example);
      LK_ASSERT(values && values->size() == segment.names.size());
      for (const std::string_view value : *values) LK_ASSERT(!value.empty());
      return;
    }
    case SegmentKind::concrete: {
      const std::string path = "/" + percent_encode(segment.text);
      PathSegments one;
      LK_ASSERT(one.parse(path) && one.size() == 1 && one[0] == segment.text);
      return;
    }
  }
}

void check_template(std::string_view text, const std::vector<TemplateSegment>& segments) {
  LK_ASSERT(text.starts_with('/') && segments.size() <= kSegmentsMax);
  for (const TemplateSegment& segment : segments) check_segment(segment);
}

}  // namespace
}  // namespace latchkey::gate

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string_view text = fuzz::as_text(data, size);
  gate::PathSegments segments;
  const auto parsed = segments.parse(text);
  if (parsed) {
    LK_ASSERT(segments.size() <= gate::kSegmentsMax);
    gate::check_segments(segments);
  } else {
    LK_ASSERT(parsed.error().code == ErrorCode::request_malformed);
  }
  if (const auto read = gate::parse_template(text)) gate::check_template(text, *read);

  const std::string shown = http::loggable_path(text);
  LK_ASSERT(shown.size() <= 200);
  for (const std::string_view segment : split(shown, '/')) LK_ASSERT(segment.size() <= 64);
  return 0;
}
