#include "app/man_page.h"

#include <gtest/gtest.h>

#include "app/completion.h"

namespace latchkey::app {
namespace {

std::vector<Command> sample() {
  Command root;
  root.subcommands = {"make"};
  root.options = {{{"--data"}, "Folder", ValueKind::folder, {}, "", false}};
  Command make;
  make.path = "make";
  make.help = "Make 'it'";
  make.footer = "First line\n.second line\n\nExample:\n  latchkey make --kind one";
  make.options = {{{"--kind"}, "Which", ValueKind::choice, {"one", "other"}, "", true}};
  make.arguments = {{{"name"}, "Its name", ValueKind::text, {}, "", true}};
  return {root, make};
}

TEST(ManPage, EscapesWhatRoffWouldObey) {
  EXPECT_EQ(roff_text(".so x\n'br\na\\b -- `c`"), "\\&.so x\n\\&\\(aqbr\na\\eb \\-\\- \\(gac\\(ga");
}

TEST(ManPage, HasEachOptionOfEachCommand) {
  const std::string page = command_manual(sample(), "2026-11-24");
  EXPECT_NE(page.find(".SS latchkey make NAME\nMake \\(aqit\\(aq.\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\\fB\\-\\-kind\\fR \\fIone|other\\fR\nWhich (required)\n"),
            std::string::npos);
  EXPECT_NE(page.find("First line\n\\&.second line\n"), std::string::npos);
  EXPECT_NE(page.find(".nf\nlatchkey make \\-\\-kind one\n.fi\n"), std::string::npos);
}

TEST(Completion, QuotesWhatAShellWouldObey) {
  std::vector<Command> commands = sample();
  commands[1].help = "Make 'it' $(now)";
  for (const auto& script : {zsh_completion(commands), fish_completion(commands)}) {
    EXPECT_NE(script.find("Make '\\''it'\\'' $(now)'"), std::string::npos) << script;
  }
}

TEST(Completion, OffersTheValuesOfAnOptionAndTheProgramsOwnOptionsEverywhere) {
  const std::string script = bash_completion(sample());
  EXPECT_NE(script.find("    'make:--kind') values='one other' ;;\n"), std::string::npos);
  EXPECT_NE(script.find("    *:--data) values='@folder' ;;\n"), std::string::npos);
  EXPECT_NE(script.find("    'make') values='--kind --data' ;;\n"), std::string::npos) << script;
}

}  // namespace
}  // namespace latchkey::app
