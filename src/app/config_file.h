// Reads a TOML file into flat keys, without knowing which keys there are.
//
// The parser is in this file's .cc alone, because its headers are heavy. Values are texts, whole
// numbers and booleans; anything else is refused with its key, but for tables that have a reader of
// their own: `[[gate.scope]]` (app/declared_scopes.h). https://toml.io/en/v1.0.0
// Thread safety: pure but for reading the file.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace latchkey::app {

struct FileValue {
  std::string key;  // "listen.port"
  SettingKind kind = SettingKind::text;
  std::string text;  // the value, written without quotes
};

// Errors: configuration (the file cannot be read or is not TOML; the message says where).
Result<std::vector<FileValue>> read_config_file(const std::string& path);

}  // namespace latchkey::app
