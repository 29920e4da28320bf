#include "app/cli_prompt.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "app/cli.h"
#include "app/cli_output.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

constexpr size_t kLineMax = 4096;
constexpr char kInterrupt = 3;
constexpr char kEnd = 4;
constexpr char kBackspace = 8;
constexpr char kDelete = 127;

void show(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

// One byte of stdin at a time: what follows the line is left for the next question.
std::optional<char> read_byte() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 1 ? std::optional<char>(byte) : std::nullopt;
}

// The next line of stdin without its end; nothing at the end of input.
std::optional<std::string> read_line() {
  std::string line;
  line.reserve(kLineMax);  // so that a secret is not left behind by growing
  while (line.size() < kLineMax) {
    const auto byte = read_byte();
    if (!byte && line.empty()) return std::nullopt;
    if (!byte || *byte == '\n') break;
    line += *byte;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// A terminal without echo and without signals from keys, until it goes out of scope.
class QuietTerminal {
 public:
  QuietTerminal() {
    ::tcgetattr(STDIN_FILENO, &before_);
    struct termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  struct termios before_ = {};
};

std::optional<std::string> type_secret() {
  const QuietTerminal quiet;
  std::string line;
  line.reserve(kLineMax);
  while (line.size() < kLineMax) {
    const auto byte = read_byte();
    if (!byte || *byte == kInterrupt || (*byte == kEnd && line.empty())) return std::nullopt;
    if (*byte == '\n' || *byte == '\r' || *byte == kEnd) break;
    if (*byte != kBackspace && *byte != kDelete) {
      line += *byte;
      continue;
    }
    // A letter of several bytes goes as a whole.
    while (!line.empty() && (static_cast<uint8_t>(line.back()) & 0xC0u) == 0x80) line.pop_back();
    if (!line.empty()) line.pop_back();
  }
  return line;
}

}  // namespace

Result<std::string> ask(std::string_view question, std::string_view flag) {
  if (!is_terminal(STDIN_FILENO)) {
    return usage_error(std::string(question) + " is not given", "give " + std::string(flag));
  }
  show(std::string(question) + ": ");
  auto line = read_line();
  if (!line) return usage_error("nothing was typed", "give " + std::string(flag));
  return std::string(trim(*line));
}

Result<SecretText> ask_secret(std::string_view question, SecretSource source) {
  std::optional<std::string> line;
  if (source == SecretSource::standard_input) {
    line = read_line();
    if (!line) return usage_error(std::string(question) + " is not on stdin", "pipe it in");
    return SecretText::take(std::move(*line));
  }
  if (!is_terminal(STDIN_FILENO)) {
    return usage_error(std::string(question) + " cannot be asked for without a terminal",
                       "pipe it in and give --password-stdin");
  }
  show(std::string(question) + ": ");
  line = type_secret();
  show("\n");
  if (!line) return usage_error("given up", "nothing was changed");
  return SecretText::take(std::move(*line));
}

Result<SecretText> ask_new_password(SecretSource source) {
  LK_TRY(SecretText password, ask_secret("New password (12 characters or more)", source));
  if (source == SecretSource::standard_input) return password;
  LK_TRY(const SecretText again, ask_secret("The same again", source));
  if (!(password == again)) return usage_error("the two differ", "try again");
  return password;
}

Result<void> confirm(std::string_view question, std::string_view expected) {
  if (!is_terminal(STDIN_FILENO)) {
    return usage_error("this must be confirmed", "give --yes if you are sure");
  }
  show(std::string(question) + " Type " + std::string(expected) + " to go on: ");
  const auto line = read_line();
  if (!line || trim(*line) != expected) return usage_error("given up", "nothing was changed");
  return {};
}

}  // namespace latchkey::app
