// One line for each thing an operator should know.
//
// A line has a time, a level, an event name and fields; it is written as text or as one JSON
// object. Field values are escaped, so what comes from outside cannot start a line of its own. A
// secret cannot be a field: SecretText converts to nothing. Thread safety: write from any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace latchkey {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

// A named value of a line.
struct LogField {
  LogField(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  LogField(std::string_view field_name, const char* text) : name(field_name), value(text) {}
  LogField(std::string_view field_name, int64_t number)
      : name(field_name), value(std::to_string(number)), is_number(true) {}
  std::string_view name;
  std::string value;
  bool is_number = false;
};

class Log {
 public:
  virtual ~Log() = default;
  // `event` is a fixed word such as "serve.ready"; what varies goes into fields.
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;

  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::info, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::warning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::error, event, fields);
  }
};

// The line that a log writes at `time`, without the line's end.
std::string format_log_line(LogFormat format, LogLevel level, Instant time, std::string_view event,
                            std::initializer_list<LogField> fields);

// A log that writes lines of at least `level` to stderr, in `format`.
std::unique_ptr<Log> make_log(LogFormat format, LogLevel level);
// A log that writes nothing. For tests.
std::unique_ptr<Log> make_null_log();

}  // namespace latchkey
