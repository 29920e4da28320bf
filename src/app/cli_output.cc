#include "app/cli_output.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Range {
  uint32_t first;
  uint32_t last;
};
// Letters that terminals show over two columns, and those that they add to the one before: the big
// blocks of Unicode's EastAsianWidth.txt and of its combining marks.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
                           {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
                           {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
                           {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                           {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr Range kNone[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F},
                           {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
                           {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

template <size_t n>
bool is_in(const Range (&ranges)[n], uint32_t code_point) {
  for (const Range& range : ranges) {
    if (code_point >= range.first && code_point <= range.last) return true;
  }
  return false;
}

// The code point that begins at `text[position]`, and moves behind it. REQUIRES: is_utf8(text).
uint32_t next_code_point(std::string_view text, size_t& position) {
  const auto lead = static_cast<uint8_t>(text[position++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  uint32_t code_point = lead & (0x3Fu >> more);
  for (int i = 0; i < more; ++i) {
    code_point = code_point << 6 | (static_cast<uint8_t>(text[position++]) & 0x3Fu);
  }
  return code_point;
}

bool is_control(uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x2028 ||
         code_point == 0x2029 || (code_point >= 0x202A && code_point <= 0x202E) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

void append_row(std::string& text, const std::vector<std::string>& cells,
                const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - display_width(cells[i]) + 2, ' ');
  }
  line.resize(line.find_last_not_of(' ') + 1);
  text += line;
}

void write(FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

}  // namespace

std::string printable(std::string_view text) {
  if (!is_utf8(text)) return std::string(kReplacement);
  std::string clean;
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    if (is_control(next_code_point(text, position))) {
      clean += kReplacement;
    } else {
      clean += text.substr(begin, position - begin);
    }
  }
  return clean;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t position = 0; position < text.size();) {
    const uint32_t code_point = next_code_point(text, position);
    width += is_in(kNone, code_point) ? 0 : is_in(kWide, code_point) ? 2 : 1;
  }
  return width;
}

std::string format_table(const Table& table, Colour colour) {
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> widths;
  for (const std::string& head : table.heads) widths.push_back(display_width(head));
  for (const auto& row : table.rows) {
    rows.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      rows.back().push_back(printable(row[i]));
      widths[i] = std::max(widths[i], display_width(rows.back()[i]));
    }
  }
  std::string text = colour == Colour::terminal ? "\x1b[1m" : "";
  append_row(text, table.heads, widths);
  text += colour == Colour::terminal ? "\x1b[0m\n" : "\n";
  for (const auto& row : rows) {
    append_row(text, row, widths);
    text += '\n';
  }
  return text;
}

std::string format_facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  size_t widest = 0;
  for (const auto& [name, value] : facts) widest = std::max(widest, display_width(name));
  std::string text;
  for (const auto& [name, value] : facts) {
    text += name + ":" + std::string(widest - display_width(name) + 2, ' ') +
            (value.empty() ? "-" : printable(value)) + "\n";
  }
  return text;
}

std::string short_time(std::string_view text) {
  if (text.empty()) return "-";
  const auto instant = parse_date_time(text);
  if (!instant) return std::string(text);
  const std::string exact = format_date_time(*instant);
  return exact.substr(0, 10) + " " + exact.substr(11, 5);
}

void print_list(const Cli& cli, const json::value& answer, const Table& table,
                std::string_view when_empty) {
  if (cli.json) {
    print_line(format_json(answer));
  } else if (table.rows.empty()) {
    tell(when_empty);
  } else {
    write(stdout,
          format_table(table, is_terminal(STDOUT_FILENO) ? Colour::terminal : Colour::none));
  }
}

void print_facts(const Cli& cli, const json::value& answer,
                 const std::vector<std::pair<std::string, std::string>>& facts) {
  if (cli.json) {
    print_line(format_json(answer));
  } else {
    write(stdout, format_facts(facts));
  }
}

void print_line(std::string_view text) { write(stdout, std::string(text) + "\n"); }
void tell(std::string_view text) { write(stderr, std::string(text) + "\n"); }
bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

}  // namespace latchkey::app
