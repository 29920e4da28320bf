#include "app/cli_tree.h"

#include <CLI/CLI.hpp>

namespace latchkey::app {
namespace {

// The values of a type name such as "TEXT:{active,expired}"; none if it names no set.
std::vector<std::string> choices_of(const std::string& type_name) {
  std::vector<std::string> choices;
  const size_t open = type_name.find('{');
  const size_t close = type_name.find('}');
  if (open == type_name.npos || close == type_name.npos || close < open) return choices;
  std::string one;
  for (const char c : type_name.substr(open + 1, close - open - 1)) {
    if (c == ',') choices.push_back(std::exchange(one, ""));
    if (c != ',') one += c;
  }
  choices.push_back(one);
  return choices;
}

ValueKind kind_of(const CLI::Option& option, const std::vector<std::string>& choices) {
  if (option.get_items_expected_max() == 0) return ValueKind::none;
  if (!choices.empty()) return ValueKind::choice;
  if (option.get_type_name() == kFileType) return ValueKind::file;
  if (option.get_type_name() == kFolderType) return ValueKind::folder;
  return ValueKind::text;
}

CommandOption describe_option(const CLI::Option& option) {
  CommandOption described;
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  if (option.get_positional()) described.names = {option.get_name(true)};
  described.help = option.get_description();
  described.choices = choices_of(option.get_type_name());
  described.kind = kind_of(option, described.choices);
  described.environment = option.get_envname();
  described.is_required = option.get_required();
  return described;
}

void describe(const CLI::App& app, const std::string& path, std::vector<Command>& commands) {
  Command command;
  command.path = path;
  command.help = app.get_description();
  command.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    auto& list = option->get_positional() ? command.arguments : command.options;
    list.push_back(describe_option(*option));
  }
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) {
    if (!child->get_group().empty()) command.subcommands.push_back(child->get_name());
  }
  commands.push_back(std::move(command));
  for (const CLI::App* child : children) {
    if (child->get_group().empty()) continue;
    describe(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), commands);
  }
}

}  // namespace

std::vector<Command> describe_commands(const CLI::App& root) {
  std::vector<Command> commands;
  describe(root, "", commands);
  return commands;
}

std::string last_word(std::string_view path) {
  const size_t space = path.rfind(' ');
  return std::string(space == path.npos ? path : path.substr(space + 1));
}

}  // namespace latchkey::app
