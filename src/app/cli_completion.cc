// `latchkey completion`: the scripts by which shells complete. `latchkey man`, which is hidden: the
// manual pages, for the build.
#include <CLI/CLI.hpp>

#include "app/build_date.h"
#include "app/cli.h"
#include "app/cli_output.h"
#include "app/completion.h"
#include "app/man_page.h"

namespace latchkey::app {
namespace {

void print(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  print_line(text);
}

}  // namespace

void add_completion_commands(CLI::App& root, Cli& cli) {
  (void)cli;  // neither asks a server
  auto* completion = root.add_subcommand("completion", "Print a script that completes commands");
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer(
      "The Debian package installs the scripts. By hand, for this shell or for good:\n"
      "  source <(latchkey completion bash)\n"
      "  latchkey completion zsh > ~/.zfunc/_latchkey\n"
      "  latchkey completion fish > ~/.config/fish/completions/latchkey.fish\n\n"
      "Example:\n  latchkey completion bash");
  completion->callback([&root, shell] {
    const auto commands = describe_commands(root);
    if (*shell == "bash") print(bash_completion(commands));
    if (*shell == "zsh") print(zsh_completion(commands));
    if (*shell == "fish") print(fish_completion(commands));
  });

  auto* man = root.add_subcommand("man", "Print a manual page")->group("");
  auto page = std::make_shared<std::string>();
  man->add_option("page", *page, "latchkey.1 or latchkey.toml.5")
      ->required()
      ->check(CLI::IsMember({"latchkey.1", "latchkey.toml.5"}));
  man->callback([&root, page] {
    print(*page == "latchkey.1" ? command_manual(describe_commands(root), build_date())
                                : configuration_manual(settings(), build_date()));
  });
}

}  // namespace latchkey::app
