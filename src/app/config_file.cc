#include "app/config_file.h"

#include <sstream>
#include <string_view>

#include "app/toml.h"

namespace latchkey::app {
namespace {

// What is read elsewhere.
bool has_own_reader(std::string_view key) { return key == "gate.scope" || key == "gate.api"; }

Result<void> flatten(const toml::table& table, const std::string& prefix,
                     std::vector<FileValue>& values) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (has_own_reader(key)) continue;
    if (const auto* inner = node.as_table()) {
      LK_CHECK(flatten(*inner, key + ".", values));
    } else if (const auto* text = node.as_string()) {
      values.push_back({key, SettingKind::text, text->get()});
    } else if (const auto* number = node.as_integer()) {
      values.push_back({key, SettingKind::integer, std::to_string(number->get())});
    } else if (const auto* flag = node.as_boolean()) {
      values.push_back({key, SettingKind::boolean, flag->get() ? "true" : "false"});
    } else {
      return Error(ErrorCode::configuration,
                   key + " must be a text, a whole number, or true or false", key);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<FileValue>> read_config_file(const std::string& path) {
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    std::ostringstream where;
    where << path << ": " << parsed.error().description();
    // A file that cannot be read has no place in it.
    const auto line = parsed.error().source().begin.line;
    if (line > 0) where << ", line " << line;
    return Error(ErrorCode::configuration, where.str());
  }
  std::vector<FileValue> values;
  LK_CHECK(flatten(parsed.table(), "", values));
  return values;
}

}  // namespace latchkey::app
