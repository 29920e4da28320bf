#include "gate/proxy_target.h"

#include <array>
#include <cstdint>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::gate {
namespace {

// What stands for itself in a segment: pchar of RFC 3986 section 3.3 but for ';'.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (size_t c = 0; c < 256; ++c) {
    plain[c] = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  for (const char c :
       {'-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ',', '=', ':', '@'}) {
    plain[static_cast<size_t>(c)] = true;
  }
  return plain;
}

constexpr std::array<bool, 256> kPlain = make_plain();

void append_segment(std::string& path, std::string_view segment) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  path += '/';
  for (const char c : segment) {
    const auto byte = static_cast<uint8_t>(c);
    if (kPlain[byte]) {
      path += c;
    } else {
      path += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

}  // namespace

std::string format_proxy_path(const std::vector<std::string_view>& segments, bool ends_in_slash) {
  std::string path;
  for (const std::string_view segment : segments) append_segment(path, segment);
  if (ends_in_slash || path.empty()) path += '/';
  return path;
}

std::string format_proxy_target(const PathSegments& segments, std::string_view path,
                                std::string_view query) {
  LK_ASSERT(!segments.is_too_long());
  std::string target;
  target.reserve(path.size() + query.size() + 1);
  for (size_t i = 0; i < segments.size(); ++i) append_segment(target, segments[i]);
  if (path.ends_with('/') || target.empty()) target += '/';
  if (!query.empty()) target.append("?").append(query);
  return target;
}

}  // namespace latchkey::gate
