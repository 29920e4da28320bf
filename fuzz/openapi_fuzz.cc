// A document that is loaded says of each operation who may call it, and a route table of its
// operations finds each of them by its own path.
#include "gate/openapi.h"

#include <set>
#include <string>

#include "gate/path.h"
#include "gate/route_table.h"
#include "target.h"

namespace latchkey::gate {
namespace {

// A path that `path` matches, with "x" for each parameter; empty where a concrete segment needs
// encoding.
std::string example_of(const std::string& path) {
  const auto segments = parse_template(path);
  LK_ASSERT(segments);
  std::string example;
  for (const TemplateSegment& segment : *segments) {
    std::string text = segment.kind == SegmentKind::concrete ? segment.text : "x";
    if (segment.kind == SegmentKind::mixed) {
      text = segment.literals[0];
      for (size_t i = 1; i < segment.literals.size(); ++i) text += "x" + segment.literals[i];
    }
    if (text.find('%') != text.npos) return {};
    example += "/" + text;
  }
  return example.empty() ? "/" : example;
}

}  // namespace
}  // namespace latchkey::gate

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::gate;
  using latchkey::ErrorCode;
  const auto document = parse_openapi(latchkey::fuzz::as_text(data, size));
  if (!document) {
    LK_ASSERT(document.error().code == ErrorCode::configuration);
    return 0;
  }
  LK_ASSERT(document->operations.size() <= kOperationsMax);
  std::set<std::string> ids;
  for (const Operation& operation : document->operations) {
    LK_ASSERT(ids.insert(operation.operation_id).second);
    LK_ASSERT(!operation.operation_id.empty() && !operation.method.empty());
    LK_ASSERT(operation.path.starts_with('/'));
    LK_ASSERT(operation.is_open || !operation.security.empty());
  }
  const auto table = RouteTable::build(document->operations);
  if (!table) {
    LK_ASSERT(table.error().code == ErrorCode::configuration);
    return 0;
  }
  for (const Operation& operation : document->operations) {
    const std::string path = example_of(operation.path);
    if (path.empty()) continue;
    const auto match = table->match(operation.method, path);
    // A more concrete template may have the path, but not the method.
    if (!match) {
      LK_ASSERT(match.error().code == ErrorCode::method_not_allowed);
      continue;
    }
    const Operation& found = document->operations[match->operation];
    LK_ASSERT(found.method == operation.method || operation.method == "HEAD");
  }
  return 0;
}
