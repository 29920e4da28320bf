#include "http/loggable_path.h"

#include "base/text.h"

namespace latchkey::http {
namespace {

constexpr size_t kSegmentBytesMax = 64;
constexpr size_t kPathBytesMax = 200;

}  // namespace

std::string loggable_path(std::string_view path) {
  std::string shown;
  bool first = true;
  for (const std::string_view segment : split(path, '/')) {
    if (!first) shown += '/';
    first = false;
    if (segment.size() > kSegmentBytesMax) {
      shown += '[' + std::to_string(segment.size()) + " bytes]";
    } else {
      shown += segment;
    }
    if (shown.size() >= kPathBytesMax) break;
  }
  return shown.substr(0, kPathBytesMax);
}

}  // namespace latchkey::http
