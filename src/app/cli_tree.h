// What the command line has, as data: each command with its options and the values that they take.
//
// It is read from the tree of CLI11 that also parses, so that completions and manual pages, which
// are made of it, cannot know a command or an option that the program does not. What stands in a
// hidden group is left out. Thread safety: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace latchkey::app {

enum class ValueKind { none, text, choice, file, folder };

struct CommandOption {
  std::vector<std::string> names;  // "--days", or the one name of an argument: "id"
  std::string help;
  ValueKind kind = ValueKind::none;  // none: a flag
  std::vector<std::string> choices;  // for ValueKind::choice
  std::string environment;           // the variable that stands for it; empty if there is none
  bool is_required = false;
};

struct Command {
  std::string path;  // "token create"; empty for the program itself
  std::string help;
  std::string footer;  // what --help ends with: more words and the example
  std::vector<std::string> subcommands;
  std::vector<CommandOption> options;
  std::vector<CommandOption> arguments;
};

// The type names of CLI11 that say what a value is; a choice is written "{one,other}".
inline constexpr const char* kFileType = "FILE";
inline constexpr const char* kFolderType = "FOLDER";

// All commands, the program itself first, each followed by its subcommands.
std::vector<Command> describe_commands(const CLI::App& root);
// "token" of "token create": the last word of its path.
std::string last_word(std::string_view path);

}  // namespace latchkey::app
