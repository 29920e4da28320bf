// How the command line writes for people: tables, days, and one colour.
//
// Columns align by what a terminal shows, not by bytes: wide letters count two, combining ones
// none. Nothing from a server can move the cursor: control characters are shown as U+FFFD. Thread
// safety: pure functions, but for print_*.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/cli.h"

namespace latchkey::app {

struct Table {
  std::vector<std::string> heads;
  std::vector<std::vector<std::string>> rows;
};

enum class Colour { none, terminal };
// The lines of `table`, heads in bold if coloured; no spaces at the ends of lines.
std::string format_table(const Table& table, Colour colour);
// Lines of "name: value", the values aligned.
std::string format_facts(const std::vector<std::pair<std::string, std::string>>& facts);
// How many columns a terminal uses for `text`.
size_t display_width(std::string_view text);
// `text` with what is not printable shown as U+FFFD.
std::string printable(std::string_view text);
// "2026-12-01 23:59" of a date-time of the API; `text` itself if it is none; "-" if it is empty.
std::string short_time(std::string_view text);

// To stdout: the server's JSON with --json, otherwise `table` or, if it is empty, `when_empty`
// (to stderr).
void print_list(const Cli& cli, const json::value& answer, const Table& table,
                std::string_view when_empty);
void print_facts(const Cli& cli, const json::value& answer,
                 const std::vector<std::pair<std::string, std::string>>& facts);
// A line to stdout, or to stderr.
void print_line(std::string_view text);
void tell(std::string_view text);
// Whether stdout, stderr or stdin is a terminal.
bool is_terminal(int descriptor);

}  // namespace latchkey::app
