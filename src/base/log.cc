#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/clock.h"
#include "base/json.h"
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

// Plain words stand for themselves; anything else is quoted, so that a value is one field.
std::string text_value(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_not_of(
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-[]") == std::string::npos;
  return plain ? value : quote_json(value);
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
    const std::string time = format_date_time(SystemClock().now());
    std::string line;
    if (format_ == LogFormat::json) {
      line = "{\"time\":\"" + time + "\",\"level\":\"" + std::string(level_name(level)) +
             "\",\"event\":" + quote_json(event);
      for (const LogField& field : fields) {
        line += ',' + quote_json(field.name) + ':';
        line += field.is_number ? field.value : quote_json(field.value);
      }
      line += '}';
    } else {
      line = time + ' ' + std::string(level_name(level)) + ' ' + std::string(event);
      for (const LogField& field : fields) {
        line += ' ' + std::string(field.name) + '=' + text_value(field.value);
      }
    }
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

std::unique_ptr<Log> make_log(LogFormat format, LogLevel level) {
  return std::make_unique<SpdlogLog>(format, level);
}

std::unique_ptr<Log> make_null_log() { return std::make_unique<NullLog>(); }

}  // namespace latchkey
