#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey {
namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// The escape of `code` in a JSON string.
std::string escape(uint32_t code) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(code));
  return text;
}

// `value` in quotes, as JSON has it. JSON leaves some characters alone that end a line or steer a
// terminal (U+007F to U+009F, U+2028, U+2029); they are escaped too. Text that is not UTF-8 is
// taken byte by byte.
std::string quote(std::string_view value) {
  const bool well_formed = is_utf8(value);
  const std::string json = quote_json(value);
  std::string quoted;
  for (size_t i = 0; i < json.size(); ++i) {
    const auto byte = static_cast<uint8_t>(json[i]);
    const auto next = [&](size_t n) {
      return i + n < json.size() ? static_cast<uint8_t>(json[i + n]) : uint8_t{0};
    };
    if (byte == 0x7f || (byte >= 0x80 && !well_formed)) {
      quoted += escape(byte);
    } else if (byte == 0xc2 && next(1) <= 0x9f) {
      quoted += escape(next(1));
      i += 1;
    } else if (byte == 0xe2 && next(1) == 0x80 && (next(2) == 0xa8 || next(2) == 0xa9)) {
      quoted += escape(0x2000u + (next(2) & 0x3fu));
      i += 2;
    } else {
      quoted += json[i];
    }
  }
  return quoted;
}

// Plain words stand for themselves; anything else is quoted, so that a value is one field.
std::string text_value(const std::string& value) {
  const auto is_plain = [](char c) {
    return is_ascii_letter(c) || is_ascii_digit(c) ||
           std::string_view("._:/@+-[]").find(c) != std::string_view::npos;
  };
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), is_plain);
  return plain ? value : quote(value);
}

class SpdlogLog final : public Log {
 public:
  SpdlogLog(LogFormat format, LogLevel level)
      : format_(format), logger_("latchkey", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(spdlog_level(level));
    logger_.set_pattern("%v");
    logger_.flush_on(spdlog::level::debug);
  }

  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    if (!logger_.should_log(spdlog_level(level))) return;
    const std::string line = format_log_line(format_, level, SystemClock().now(), event, fields);
    logger_.log(spdlog_level(level), spdlog::string_view_t(line));
  }

 private:
  const LogFormat format_;
  spdlog::logger logger_;
};

class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace

std::string format_log_line(LogFormat format, LogLevel level, Instant time, std::string_view event,
                            std::initializer_list<LogField> fields) {
  std::string line;
  if (format == LogFormat::json) {
    line = "{\"time\":\"" + format_date_time(time) + "\",\"level\":\"";
    line += std::string(level_name(level)) + "\",\"event\":" + quote(event);
    for (const LogField& field : fields) {
      line += ',' + quote(field.name) + ':' + (field.is_number ? field.value : quote(field.value));
    }
    return line + '}';
  }
  line = format_date_time(time) + ' ' + std::string(level_name(level)) + ' ' + std::string(event);
  for (const LogField& field : fields) {
    line += ' ' + std::string(field.name) + '=' + text_value(field.value);
  }
  return line;
}

std::unique_ptr<Log> make_log(LogFormat format, LogLevel level) {
  return std::make_unique<SpdlogLog>(format, level);
}

std::unique_ptr<Log> make_null_log() { return std::make_unique<NullLog>(); }

}  // namespace latchkey
