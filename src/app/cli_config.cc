#include "app/cli_config.h"

#include <CLI/CLI.hpp>

#include "app/cli_tree.h"

namespace latchkey::app {
namespace {

// What the setting takes, as --help and completions say it.
std::string type_name_of(const Setting& setting) {
  if (setting.kind == SettingKind::integer) return "NUMBER";
  if (setting.kind == SettingKind::boolean) return "{true,false}";
  if (setting.key.ends_with("_file")) return kFileType;
  std::string choices;
  for (const std::string_view choice : setting.choices) {
    choices += (choices.empty() ? "{" : ",") + std::string(choice);
  }
  return choices.empty() ? "TEXT" : choices + "}";
}

}  // namespace

void add_config_options(CLI::App& command, ConfigOptions& options,
                        bool (*takes)(std::string_view key)) {
  command
      .add_option("--config", options.file,
                  "TOML file; default latchkey.toml in the data folder, if it is there")
      ->type_name(kFileType);
  for (const Setting& setting : settings()) {
    if (setting.key == "data_dir") continue;  // --data and --data-dir are for every command
    if (takes && !takes(setting.key)) continue;
    std::string names = flag_of(setting.key);
    if (setting.key == "listen.port") names += ",--port";
    if (setting.key == "store.url") names += ",--store";
    if (setting.key == "gate.credential_file") names += ",--credential-file";
    command
        .add_option(names, options.flags[std::string(setting.key)],
                    std::string(setting.help) + " [" + setting.get(Config()) + "]")
        ->type_name(type_name_of(setting));
  }
}

Result<Config> load_config(const Cli& cli, const ConfigOptions& options) {
  ConfigSources sources;
  sources.file = options.file;
  sources.environment = process_environment();
  for (const auto& [key, text] : options.flags) {
    if (!text.empty()) sources.flags[key] = text;
  }
  if (!cli.data_dir.empty()) sources.flags["data_dir"] = cli.data_dir;
  return load_config(sources);
}

}  // namespace latchkey::app
