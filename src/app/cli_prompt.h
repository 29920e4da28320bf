// Questions at a terminal, and secrets from it or from stdin, never from an argument.
//
// A secret is read without echo; Ctrl-C gives the terminal back as it was. Without a terminal a
// secret is read only when asked for with --password-stdin. Thread safety: one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace latchkey::app {

// Where a command takes its secrets from.
enum class SecretSource { terminal, standard_input };

// A line of stdin, asked for on stderr. Errors: configuration (no terminal; `flag` is what to
// give).
Result<std::string> ask(std::string_view question, std::string_view flag);
// A secret: typed without echo, or the next line of stdin. Errors: configuration (no terminal, no
// line, or given up).
Result<SecretText> ask_secret(std::string_view question, SecretSource source);
// A new password: typed twice at a terminal. Errors: as ask_secret; configuration (they differ).
Result<SecretText> ask_new_password(SecretSource source);
// Whether the person types `expected`. Errors: configuration (no terminal: `--yes` is to be given).
Result<void> confirm(std::string_view question, std::string_view expected);

}  // namespace latchkey::app
