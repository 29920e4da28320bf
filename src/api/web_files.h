// The built pages, compiled into the program.
//
// web/app/build/build.mjs writes the definition. Every name but index.html changes with the
// content, so an answer with such a file can be kept for ever. The bytes live as long as the
// program. Thread safety: immutable. Spec: docs/spec/pages.md.
#pragma once

#include <span>
#include <string_view>

namespace latchkey::api {

struct WebFile {
  std::string_view name;  // "index-Ab12.js"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;  // the same bytes, compressed
};

// All files, sorted by name; index.html is among them.
std::span<const WebFile> web_files();

}  // namespace latchkey::api
