#include "app/completion.h"

namespace latchkey::app {
namespace {

// In single quotes, as all three shells read them (fish reads a backslash before a quote).
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c;
    }
  }
  return result + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// What stands for a value in the scripts: the choices, "@file", "@folder", or nothing.
std::string value_words(const CommandOption& option) {
  if (option.kind == ValueKind::file) return "@file";
  if (option.kind == ValueKind::folder) return "@folder";
  return joined(option.choices);
}

// The function of bash and zsh that tells commands from other words.
std::string is_command_function(const std::vector<Command>& commands) {
  std::string text = "_latchkey_is_command() {\n  case $1 in\n";
  for (const Command& command : commands) {
    if (!command.path.empty()) text += "    " + shell_quoted(command.path) + ") return 0 ;;\n";
  }
  return text + "  esac\n  return 1\n}\n\n";
}

// The function of bash and zsh that sets `values` to what option $2 of command $1 takes, and fails
// if it takes nothing. The program's own options may stand behind any command.
std::string value_function(const std::vector<Command>& commands) {
  std::string text = "_latchkey_value() {\n  case \"$1:$2\" in\n";
  for (const Command& command : commands) {
    for (const CommandOption& option : command.options) {
      if (option.kind == ValueKind::none) continue;
      for (const std::string& name : option.names) {
        const std::string pattern =
            command.path.empty() ? "*:" + name : shell_quoted(command.path + ":" + name);
        text += "    " + pattern + ") values=" + shell_quoted(value_words(option)) + " ;;\n";
      }
    }
  }
  return text + "    *) return 1 ;;\n  esac\n}\n\n";
}

// Every word that may follow `command`, but values of options.
std::vector<std::string> words_after(const Command& command, const Command& root) {
  std::vector<std::string> words = command.subcommands;
  for (const CommandOption& argument : command.arguments) {
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  }
  for (const Command* each : {&command, &root}) {
    for (const CommandOption& option : each->options) {
      if (each == &root && &command != &root && option.names.back() == "--help") continue;
      words.insert(words.end(), option.names.begin(), option.names.end());
    }
    if (&command == &root) break;
  }
  return words;
}

const Command* find_command(const std::vector<Command>& commands, const std::string& path) {
  for (const Command& command : commands) {
    if (command.path == path) return &command;
  }
  return nullptr;
}

constexpr std::string_view kBashMain = R"(_latchkey() {
  local word=${COMP_WORDS[COMP_CWORD]} at= values= name i
  COMPREPLY=()
  [[ $word != '=' ]] || word=
  for ((i = 1; i < COMP_CWORD; ++i)); do
    name=${COMP_WORDS[i]}
    if _latchkey_value "$at" "$name"; then
      ((++i))
      # --option=value comes as three words.
      if [[ ${COMP_WORDS[i]-} == '=' ]] && ((i < COMP_CWORD)); then ((++i)); fi
      if ((i >= COMP_CWORD)); then
        case $values in
          @file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
          @folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
          *) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word") ;;
        esac
        return
      fi
    elif _latchkey_is_command "${at:+$at }$name"; then
      at="${at:+$at }$name"
    fi
  done
  _latchkey_words "$at"
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
}

complete -F _latchkey latchkey
)";

constexpr std::string_view kZshMain = R"(_latchkey() {
  local at= values= name
  local -a commands options
  integer i
  for ((i = 2; i < CURRENT; ++i)); do
    name=${words[i]}
    if _latchkey_value "$at" "$name"; then
      ((++i))
      if ((i == CURRENT)); then
        _latchkey_offer
        return
      fi
    elif _latchkey_is_command "${at:+$at }$name"; then
      at="${at:+$at }$name"
    fi
  done
  if [[ ${words[CURRENT]} == --*=* ]] && _latchkey_value "$at" "${words[CURRENT]%%=*}"; then
    compset -P '*='
    _latchkey_offer
    return
  fi
  _latchkey_words "$at"
  _describe -t commands command commands
  _describe -o -t options option options
}

_latchkey_offer() {
  case $values in
    @file) _files ;;
    @folder) _files -/ ;;
    '') _message value ;;
    *) compadd -- ${=values} ;;
  esac
}

if [[ ${funcstack[1]} == _latchkey ]]; then
  _latchkey "$@"
else
  compdef _latchkey latchkey
fi
)";

// "word:what it is" for zsh's _describe, where a colon ends the word.
std::string described(const std::string& word, std::string_view help) {
  return shell_quoted(word + ":" + std::string(help));
}

std::string zsh_words(const Command& command, const std::vector<Command>& commands) {
  const Command& root = commands.front();
  std::string text = "    " + shell_quoted(command.path) + ")\n      commands=(";
  for (const std::string& name : command.subcommands) {
    const std::string path = command.path.empty() ? name : command.path + " " + name;
    const Command* child = find_command(commands, path);
    text += "\n        " + described(name, child == nullptr ? "" : child->help);
  }
  for (const CommandOption& argument : command.arguments) {
    for (const std::string& choice : argument.choices) {
      text += "\n        " + described(choice, argument.help);
    }
  }
  text += ")\n      options=(";
  for (const Command* each : {&command, &root}) {
    for (const CommandOption& option : each->options) {
      if (each == &root && &command != &root && option.names.back() == "--help") continue;
      for (const std::string& name : option.names) {
        text += "\n        " + described(name, option.help);
      }
    }
    if (&command == &root) break;
  }
  return text + ")\n      ;;\n";
}

// One line of fish for `option` where `condition` holds.
std::string fish_option(const CommandOption& option, const std::string& condition) {
  std::string text = "complete -c latchkey" + condition;
  for (const std::string& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.kind == ValueKind::file) text += " -r -F";
  if (option.kind == ValueKind::folder) text += " -x -a '(__fish_complete_directories)'";
  if (option.kind == ValueKind::text) text += " -x";
  if (option.kind == ValueKind::choice) text += " -x -a " + shell_quoted(joined(option.choices));
  return text + " -d " + shell_quoted(option.help) + "\n";
}

// The function of fish that says whether the words so far lead to the command $argv[1].
std::string fish_at_function(const std::vector<Command>& commands) {
  std::string paths;
  std::vector<std::string> takes;
  for (const Command& command : commands) {
    if (!command.path.empty()) paths += " " + shell_quoted(command.path);
    for (const CommandOption& option : command.options) {
      if (option.kind == ValueKind::none) continue;
      takes.insert(takes.end(), option.names.begin(), option.names.end());
    }
  }
  return "set -g __latchkey_commands" + paths + "\nset -g __latchkey_takes " + joined(takes) +
         "\n\n" + R"(function __latchkey_at
    set -l at ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word $__latchkey_takes
            set skip 1
        else if contains -- (string trim "$at $word") $__latchkey_commands
            set at (string trim "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end

)";
}

}  // namespace

std::string bash_completion(const std::vector<Command>& commands) {
  std::string text = "# bash completion for latchkey, made by `latchkey completion bash`.\n\n";
  text += is_command_function(commands) + value_function(commands);
  text += "_latchkey_words() {\n  case $1 in\n";
  for (const Command& command : commands) {
    text += "    " + shell_quoted(command.path) +
            ") values=" + shell_quoted(joined(words_after(command, commands.front()))) + " ;;\n";
  }
  return text + "  esac\n}\n\n" + std::string(kBashMain);
}

std::string zsh_completion(const std::vector<Command>& commands) {
  std::string text =
      "#compdef latchkey\n# zsh completion for latchkey, made by `latchkey completion zsh`.\n\n";
  text += is_command_function(commands) + value_function(commands);
  text += "_latchkey_words() {\n  case $1 in\n";
  for (const Command& command : commands) text += zsh_words(command, commands);
  return text + "  esac\n}\n\n" + std::string(kZshMain);
}

std::string fish_completion(const std::vector<Command>& commands) {
  std::string text = "# fish completion for latchkey, made by `latchkey completion fish`.\n\n";
  text += fish_at_function(commands) + "complete -c latchkey -f\n";
  for (const Command& command : commands) {
    const std::string condition =
        command.path.empty() ? "" : " -n " + shell_quoted("__latchkey_at \"" + command.path + "\"");
    for (const std::string& name : command.subcommands) {
      const std::string path = command.path.empty() ? name : command.path + " " + name;
      const Command* child = find_command(commands, path);
      text += "complete -c latchkey -n " + shell_quoted("__latchkey_at \"" + command.path + "\"") +
              " -a " + name + " -d " + shell_quoted(child == nullptr ? "" : child->help) + "\n";
    }
    for (const CommandOption& argument : command.arguments) {
      if (argument.choices.empty()) continue;
      text += "complete -c latchkey" + condition + " -a " + shell_quoted(joined(argument.choices)) +
              " -d " + shell_quoted(argument.help) + "\n";
    }
    for (const CommandOption& option : command.options) {
      if (!command.path.empty() && option.names.back() == "--help") continue;
      text += fish_option(option, condition);
    }
  }
  return text;
}

}  // namespace latchkey::app
