#include "app/man_page.h"

#include "app/version.h"

namespace latchkey::app {
namespace {

std::string head(std::string_view title, std::string_view section, std::string_view date) {
  return ".\\\" Made by `latchkey man`.\n.TH " + std::string(title) + " " + std::string(section) +
         " " + std::string(date) + " \"latchkey " + std::string(kVersion) + "\"\n";
}

std::string bold(std::string_view text) { return "\\fB" + roff_text(text) + "\\fR"; }

// "Example:" and the lines that follow keep their form; what is before it is a paragraph.
std::string footer_text(std::string_view footer) {
  std::string text;
  bool as_typed = false;
  while (!footer.empty()) {
    const size_t end = std::min(footer.find('\n'), footer.size());
    const std::string_view line = footer.substr(0, end);
    footer.remove_prefix(std::min(end + 1, footer.size()));
    const bool is_typed = line.starts_with("  ");
    if (is_typed != as_typed) text += is_typed ? ".PP\n.RS 4\n.nf\n" : ".fi\n.RE\n.PP\n";
    as_typed = is_typed;
    if (line.empty()) {
      if (!text.empty() && !text.ends_with(".PP\n")) text += ".PP\n";
    } else {
      text += roff_text(is_typed ? line.substr(2) : line) + "\n";
    }
  }
  while (text.ends_with(".PP\n")) text.resize(text.size() - 4);
  return as_typed ? text + ".fi\n.RE\n" : text;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return result;
}

std::string value_of(const CommandOption& option) {
  switch (option.kind) {
    case ValueKind::none: return "";
    case ValueKind::text: return " \\fIVALUE\\fR";
    case ValueKind::file: return " \\fIFILE\\fR";
    case ValueKind::folder: return " \\fIFOLDER\\fR";
    case ValueKind::choice: break;
  }
  std::string choices;
  for (const std::string& choice : option.choices) {
    choices += (choices.empty() ? "" : "|") + roff_text(choice);
  }
  return " \\fI" + choices + "\\fR";
}

std::string option_text(const CommandOption& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
  std::string text = ".TP\n" + names + value_of(option) + "\n" + roff_text(option.help);
  if (option.is_required) text += " (required)";
  if (!option.environment.empty()) text += " (variable " + bold(option.environment) + ")";
  return text + "\n";
}

std::string argument_text(const CommandOption& argument) {
  return ".TP\n\\fI" + roff_text(upper(argument.names[0])) + "\\fR\n" + roff_text(argument.help) +
         "\n";
}

// One command with all that it takes, as a section of its own.
std::string command_text(const Command& command) {
  std::string text = ".SS " + roff_text("latchkey " + command.path);
  for (const CommandOption& argument : command.arguments) {
    text += " " + roff_text(upper(argument.names[0]));
  }
  text += "\n" + roff_text(command.help) + ".\n";
  for (const CommandOption& argument : command.arguments) text += argument_text(argument);
  for (const CommandOption& option : command.options) {
    if (option.names.back() != "--help") text += option_text(option);
  }
  const std::string footer = footer_text(command.footer);
  return text + (footer.empty() || footer.starts_with(".PP") ? "" : ".PP\n") + footer;
}

constexpr std::string_view kFiles = R"(.SH FILES
.TP
.I ./latchkey\-data
The data folder where none is named; a packaged server has
.IR /var/lib/latchkey .
.TP
.I $XDG_CONFIG_HOME/latchkey/session.json
What
.B latchkey login
keeps for other commands, mode 0600; in
.I ~/.config
if the variable is not set.
.TP
.I /etc/latchkey/latchkey.toml
The configuration of a packaged server, see
.BR latchkey.toml (5).
)";

constexpr std::string_view kConfiguration = R"(.SH DESCRIPTION
.B latchkey serve
takes each setting, in this order of precedence, from a flag, an environment variable, a TOML file
and the default. The file is the one given with
.BR \-\-config ,
or
.I latchkey.toml
in the data folder. The flag of a key is the key with hyphens, its variable is
.B LATCHKEY_
and the key in upper case with underscores:
.B listen.port
is
.B \-\-listen\-port
and
.BR LATCHKEY_LISTEN_PORT .
.PP
In the file a key stands under its section. A key that is not known is refused by name, and so is a
value that breaks its rule.
.PP
.RS 4
.nf
public_url = "https://tokens.example.com"

[listen]
port = 9000
.fi
.RE
.PP
.B latchkey serve \-\-print\-config
prints what is in effect, with where each value is from;
.B latchkey doctor
checks it.
)";

std::string kind_name(SettingKind kind) {
  switch (kind) {
    case SettingKind::text: return "text";
    case SettingKind::integer: return "whole number";
    case SettingKind::boolean: break;
  }
  return "true or false";
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string result;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (c == '\'') {
      result += "\\(aq";
    } else if (c == '`') {
      result += "\\(ga";
    } else {
      result += c;
    }
    at_start = c == '\n';
  }
  return result;
}

std::string command_manual(const std::vector<Command>& commands, std::string_view date) {
  const Command& root = commands.front();
  std::string text = head("LATCHKEY", "1", date);
  text += ".SH NAME\nlatchkey \\- personal access tokens for any API, on your own machines\n";
  text += ".SH SYNOPSIS\n.B latchkey\n.I COMMAND\n[\\fIARGUMENT\\fR ...] [\\fIOPTION\\fR ...]\n";
  text += ".SH DESCRIPTION\nOne binary is server and client.\n" + footer_text(root.footer);
  text += ".SH OPTIONS\nThese may stand before or after any command.\n";
  for (const CommandOption& option : root.options) text += option_text(option);
  text += ".SH COMMANDS\n";
  for (size_t i = 1; i < commands.size(); ++i) text += command_text(commands[i]);
  text += kFiles;
  return text + ".SH SEE ALSO\n.BR latchkey.toml (5)\n";
}

std::string configuration_manual(const std::vector<Setting>& settings, std::string_view date) {
  const Config defaults;
  std::string text = head("LATCHKEY.TOML", "5", date);
  text += ".SH NAME\nlatchkey.toml \\- configuration of latchkey serve\n";
  text += std::string(kConfiguration) + ".SH KEYS\n";
  for (const Setting& setting : settings) {
    const std::string value = setting.get(defaults);
    text += ".TP\n" + bold(setting.key) + " (" + kind_name(setting.kind) + ", default " +
            (value.empty() ? "empty" : roff_text(value)) + ")\n" + roff_text(setting.help) + ".\n";
  }
  return text + ".SH SEE ALSO\n.BR latchkey (1)\n";
}

}  // namespace latchkey::app
