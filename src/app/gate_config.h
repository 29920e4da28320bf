// The `[[gate.api]]` tables of a configuration file: the APIs behind the gate.
//
// They are read anew while the gate runs, with the documents that they name. A key that nobody
// knows, a value of another type and a rule that is broken are refused with the table's place and
// the key; nothing is taken of a file that has one. Thread safety: pure but for reading files.
// Documented in docs/operating/gate.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "gate/api_settings.h"

namespace latchkey::app {

struct GateConfig {
  std::vector<gate::ApiSettings> apis;
  std::vector<std::string> files;  // the documents, as they are opened
};

// Documents are named from the folder of `path`. No tables give no APIs.
// Errors: configuration (`field` is "gate.api[INDEX].KEY"; the message has the rule and the line).
Result<GateConfig> read_gate_config(const std::string& path);

}  // namespace latchkey::app
