#include "app/config.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/config_file.h"
#include "app/declared_scopes.h"
#include "base/text.h"
#include "core/token_text.h"
#include "store/postgres_target.h"

extern "C" char** environ;  // NOLINT: POSIX gives the environment under this name only

namespace latchkey::app {
namespace {

Error bad(std::string_view key, std::string_view rule) {
  return Error(ErrorCode::configuration, std::string(key) + " " + std::string(rule),
               std::string(key));
}

using TextRule = std::function<Result<void>(std::string_view key, std::string_view text)>;

Setting text_setting(std::string_view key, std::string_view help, std::string Config::*member,
                     TextRule rule = nullptr) {
  return {key,
          SettingKind::text,
          help,
          [key, member, rule](Config& config, std::string_view text) -> Result<void> {
            if (!is_utf8(text) || has_control_character(text)) {
              return bad(key, "must be text without control characters");
            }
            if (rule) LK_CHECK(rule(key, text));
            config.*member = std::string(text);
            return {};
          },
          [member](const Config& config) { return config.*member; },
          {}};
}

template <class Number>
Setting integer_setting(std::string_view key, std::string_view help, Number Config::*member,
                        std::pair<uint64_t, uint64_t> range) {
  return {key,
          SettingKind::integer,
          help,
          [key, member, range](Config& config, std::string_view text) -> Result<void> {
            const auto number = parse_unsigned(text);
            if (!number || *number < range.first || *number > range.second) {
              return bad(key, "must be a whole number from " + std::to_string(range.first) +
                                  " to " + std::to_string(range.second));
            }
            config.*member = static_cast<Number>(*number);
            return {};
          },
          [member](const Config& config) { return std::to_string(config.*member); },
          {}};
}

Setting boolean_setting(std::string_view key, std::string_view help, bool Config::*member) {
  return {key,
          SettingKind::boolean,
          help,
          [key, member](Config& config, std::string_view text) -> Result<void> {
            if (text != "true" && text != "false") return bad(key, "must be true or false");
            config.*member = text == "true";
            return {};
          },
          [member](const Config& config) { return config.*member ? "true" : "false"; },
          {}};
}

template <class Enum>
Setting choice_setting(std::string_view key, std::string_view help, Enum Config::*member,
                       std::vector<std::pair<std::string_view, Enum>> choices) {
  std::vector<std::string_view> values;
  for (const auto& choice : choices) values.push_back(choice.first);
  return {key,
          SettingKind::text,
          help,
          [key, member, choices](Config& config, std::string_view text) -> Result<void> {
            std::string names;
            for (const auto& [name, value] : choices) {
              if (name == text) {
                config.*member = value;
                return {};
              }
              names += (names.empty() ? "" : ", ") + std::string(name);
            }
            return bad(key, "must be one of: " + names);
          },
          [member, choices](const Config& config) {
            for (const auto& [name, value] : choices) {
              if (value == config.*member) return std::string(name);
            }
            return std::string();
          },
          values};
}

Result<void> check_address(std::string_view key, std::string_view text) {
  unsigned char buffer[16];
  const std::string address(text);
  if (inet_pton(AF_INET, address.c_str(), buffer) == 1 ||
      inet_pton(AF_INET6, address.c_str(), buffer) == 1) {
    return {};
  }
  return bad(key, "must be an IP address, such as 127.0.0.1 or ::1");
}

Result<void> check_not_empty(std::string_view key, std::string_view text) {
  if (text.empty()) return bad(key, "must not be empty");
  return {};
}

Result<void> check_public_url(std::string_view key, std::string_view text) {
  if (text.empty()) return {};
  const size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const std::string_view host = text.substr(scheme);
  if (scheme == 0 || host.empty() || host.find_first_of("/?#@\\ \"<>") != host.npos) {
    return bad(key, "must be http:// or https:// with host and port, without a slash at the end");
  }
  return {};
}

Result<void> check_trusted_proxies(std::string_view key, std::string_view text) {
  if (auto parsed = http::TrustedProxies::parse_list(text); !parsed) {
    return bad(key, "is refused: " + parsed.error().message);
  }
  return {};
}

Result<void> check_smtp_url(std::string_view key, std::string_view text) {
  if (text.empty() || text.starts_with("smtp://") || text.starts_with("smtps://")) return {};
  return bad(key, "must begin with smtp:// or smtps://");
}

Result<void> check_provider(std::string_view key, std::string_view text) {
  if (auto provider = core::ProviderSignature::parse(text); !provider) {
    return bad(key, "is refused: " + provider.error().message);
  }
  return {};
}

// Shown without the password that may be in it.
Setting store_url_setting() {
  Setting setting = text_setting(
      "store.url", "PostgreSQL, postgres://USER@HOST/DATABASE; empty: SQLite in the data folder",
      &Config::store_url, [](std::string_view key, std::string_view text) -> Result<void> {
        if (text.empty()) return {};
        const auto target = store::parse_postgres_target(text);
        return target ? Result<void>() : Result<void>(bad(key, target.error().message));
      });
  setting.get = [](const Config& config) {
    return config.store_url.empty() ? "" : store::describe_postgres_target(config.store_url);
  };
  return setting;
}

std::vector<Setting> place_settings() {
  return {
      text_setting("data_dir", "Folder of the database, the keys and the console socket",
                   &Config::data_dir, check_not_empty),
      text_setting("public_url", "Address in every link; http(s)://127.0.0.1:PORT if empty",
                   &Config::public_url, check_public_url),
      store_url_setting(),
      text_setting("store.password_file", "File that holds the password for store.url",
                   &Config::store_password_file),
      text_setting("listen.address", "IP address to serve the API and pages on",
                   &Config::listen_address, check_address),
      integer_setting("listen.port", "Port to serve on; 0 lets the system choose",
                      &Config::listen_port, {0, 65535}),
      integer_setting("listen.threads", "Network threads; 0 is one a core", &Config::listen_threads,
                      {0, 64}),
      boolean_setting("listen.allow_plain_http",
                      "Serve plain HTTP on other than loopback addresses (behind a TLS proxy)",
                      &Config::listen_allow_plain_http),
      text_setting("listen.trusted_proxies",
                   "Addresses and ranges, with commas, whose X-Forwarded-For is believed",
                   &Config::listen_trusted_proxies, check_trusted_proxies),
      text_setting("tls.certificate_file",
                   "PEM file of the server's certificate and its chain; empty serves plain HTTP",
                   &Config::tls_certificate_file),
      text_setting("tls.key_file", "PEM file of the certificate's private key, for its owner only",
                   &Config::tls_key_file),
      choice_setting("tls.minimum_version", "Oldest version of TLS to speak, 1.2 or 1.3",
                     &Config::tls_minimum_version,
                     {{"1.2", http::TlsVersion::tls_1_2}, {"1.3", http::TlsVersion::tls_1_3}}),
      text_setting("operations.address", "IP address of health and metrics",
                   &Config::operations_address, check_address),
      integer_setting("operations.port", "Port of health and metrics; 0 lets the system choose",
                      &Config::operations_port, {0, 65535}),
      choice_setting("log.format", "text or json", &Config::log_format,
                     {{"text", LogFormat::text}, {"json", LogFormat::json}}),
      choice_setting("log.level", "debug, info, warning or error", &Config::log_level,
                     {{"debug", LogLevel::debug},
                      {"info", LogLevel::info},
                      {"warning", LogLevel::warning},
                      {"error", LogLevel::error}}),
      boolean_setting("log.access", "A line for each request", &Config::log_access),
  };
}

std::vector<Setting> gate_settings() {
  return {
      boolean_setting("gate.enabled", "Open the gate's own listener for the APIs of [[gate.api]]",
                      &Config::gate_enabled),
      text_setting("gate.listen_address", "IP address of the gate", &Config::gate_listen_address,
                   check_address),
      integer_setting("gate.listen_port", "Port of the gate; 0 lets the system choose",
                      &Config::gate_listen_port, {0, 65535}),
      boolean_setting("gate.listen_allow_plain_http",
                      "Let the gate speak plain HTTP on other than loopback addresses",
                      &Config::gate_listen_allow_plain_http),
      text_setting("gate.tls_certificate_file",
                   "PEM file of the gate's certificate and its chain; empty serves plain HTTP",
                   &Config::gate_tls_certificate_file),
      text_setting("gate.tls_key_file", "PEM file of that certificate's key, for its owner only",
                   &Config::gate_tls_key_file),
      text_setting("gate.trusted_proxies",
                   "Addresses and ranges of proxies before the gate, with commas",
                   &Config::gate_trusted_proxies, check_trusted_proxies),
      integer_setting("gate.revision_wait_max_ms",
                      "Milliseconds that a forward-auth request waits for the revision it asks for",
                      &Config::gate_revision_wait_max_ms, {0, 60'000}),
      text_setting("gate.server", "Server that a gate of its own (latchkey gate) hears",
                   &Config::gate_server),
      text_setting("gate.ca_file", "Roots to verify that server with; the system's if empty",
                   &Config::gate_ca_file),
      text_setting("gate.credential_file",
                   "File that holds such a gate's secret, for its owner only",
                   &Config::gate_credential_file),
  };
}

std::vector<Setting> feature_settings() {
  return {
      text_setting("smtp.url", "Mail server, smtp://HOST:25 or smtps://HOST:465; empty sends none",
                   &Config::smtp_url, check_smtp_url),
      text_setting("smtp.from", "Sender's address of mails", &Config::smtp_from),
      text_setting("smtp.user", "Login at the mail server; empty for none", &Config::smtp_user),
      text_setting("smtp.password_file", "File that holds the password for smtp.user",
                   &Config::smtp_password_file),
      choice_setting("smtp.tls", "required, or when_offered", &Config::smtp_tls,
                     {{"required", service::MailTls::required},
                      {"when_offered", service::MailTls::when_offered}}),
      text_setting("smtp.ca_file", "Roots to verify the mail server with; the system's if empty",
                   &Config::smtp_ca_file),
      text_setting("token.provider", "Four characters in every token that say who issued it",
                   &Config::token_provider, check_provider),
      integer_setting("verifier.staleness_max_ms",
                      "Age in milliseconds from which the index refuses every check",
                      &Config::verifier_staleness_max_ms, {100, 600'000}),
      integer_setting("session.idle_hours", "Hours without use after which a session ends",
                      &Config::session_idle_hours, {1, 8760}),
      integer_setting("session.absolute_hours", "Hours after which a session ends in any case",
                      &Config::session_absolute_hours, {1, 8760}),
  };
}

std::vector<Setting> limit_settings() {
  return {
      integer_setting("limits.head_bytes_max", "Bytes of a request's head",
                      &Config::limits_head_bytes_max, {1024, 1024 * 1024}),
      integer_setting("limits.headers_max", "Headers of a request", &Config::limits_headers_max,
                      {10, 1000}),
      integer_setting("limits.target_bytes_max", "Bytes of path and query",
                      &Config::limits_target_bytes_max, {256, 64 * 1024}),
      integer_setting("limits.body_bytes_max", "Bytes of a request's body",
                      &Config::limits_body_bytes_max, {1024, 64 * 1024 * 1024}),
      integer_setting("limits.connections_max", "Open connections", &Config::limits_connections_max,
                      {1, 1'000'000}),
      integer_setting("limits.buffered_bytes_max",
                      "Bytes of requests and answers that are held at once",
                      &Config::limits_buffered_bytes_max, {1024 * 1024, 1'099'511'627'776}),
      integer_setting("limits.head_timeout_ms", "Milliseconds for a whole head to arrive",
                      &Config::limits_head_timeout_ms, {100, 600'000}),
      integer_setting("limits.body_timeout_ms", "Milliseconds for a whole body to arrive",
                      &Config::limits_body_timeout_ms, {100, 600'000}),
      integer_setting("limits.idle_timeout_ms", "Milliseconds between two requests",
                      &Config::limits_idle_timeout_ms, {100, 3'600'000}),
      integer_setting("limits.write_timeout_ms", "Milliseconds to take a whole answer",
                      &Config::limits_write_timeout_ms, {100, 600'000}),
      integer_setting("limits.waited_max_ms",
                      "Milliseconds that requests may wait to be read before some are shed; 0: any",
                      &Config::limits_waited_max_ms, {0, 60'000}),
  };
}

const Setting* find_setting(std::string_view key) {
  for (const Setting& setting : settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

Result<void> apply(Config& config, std::string_view key, std::string_view text,
                   std::string_view origin) {
  const Setting* setting = find_setting(key);
  if (setting == nullptr) {
    return Error(ErrorCode::configuration,
                 std::string(key) + " is no key that latchkey knows (" + std::string(origin) + ")",
                 std::string(key));
  }
  if (auto set = setting->set(config, text); !set) {
    Error error = std::move(set).error();
    error.message += " (" + std::string(origin) + ")";
    return error;
  }
  config.origins[std::string(key)] = origin;
  return {};
}

// Refuses LATCHKEY_LISTEN_PROT: a variable that begins like a section but is none of its keys.
Result<void> refuse_unknown_variables(
    const std::vector<std::pair<std::string, std::string>>& environment) {
  std::set<std::string> known;
  std::set<std::string> sections;
  for (const Setting& setting : settings()) {
    known.insert(environment_variable_of(setting.key));
    if (const size_t dot = setting.key.find('.'); dot != setting.key.npos) {
      sections.insert(environment_variable_of(setting.key.substr(0, dot)) + "_");
    }
  }
  for (const auto& [name, value] : environment) {
    for (const std::string& section : sections) {
      if (name.starts_with(section) && !known.contains(name)) {
        return Error(ErrorCode::configuration,
                     name + " is no key that latchkey knows (environment)", name);
      }
    }
  }
  return {};
}

Result<void> apply_environment(
    Config& config, const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const Setting& setting : settings()) {
    const std::string variable = environment_variable_of(setting.key);
    for (const auto& [name, value] : environment) {
      if (name == variable && !value.empty()) {
        LK_CHECK(apply(config, setting.key, value, variable));
      }
    }
  }
  return {};
}

Result<void> apply_file(Config& config, const std::string& path, bool found_by_data_dir) {
  LK_TRY(const auto values, read_config_file(path));
  for (const FileValue& value : values) {
    if (found_by_data_dir && value.key == "data_dir") {
      return bad("data_dir", "cannot stand in the file that it leads to (" + path + ")");
    }
    const Setting* setting = find_setting(value.key);
    if (setting != nullptr && setting->kind != value.kind) {
      return bad(value.key, std::string("must be ") +
                                (setting->kind == SettingKind::text      ? "a text in quotes"
                                 : setting->kind == SettingKind::integer ? "a whole number"
                                                                         : "true or false") +
                                " (" + path + ")");
    }
    LK_CHECK(apply(config, value.key, value.text, path));
  }
  LK_TRY(config.declared_scopes, read_declared_scopes(path));
  return {};
}

Result<void> check_gate(const Config& config) {
  if (config.gate_tls_certificate_file.empty() != config.gate_tls_key_file.empty()) {
    const bool lacks_key = config.gate_tls_key_file.empty();
    return bad(lacks_key ? "gate.tls_key_file" : "gate.tls_certificate_file",
               lacks_key ? "must be given with gate.tls_certificate_file"
                         : "must be given with gate.tls_key_file");
  }
  // Also without gate.enabled, which `latchkey gate` does not need.
  if (!is_loopback(config.gate_listen_address) && !config.gate_listen_allow_plain_http &&
      !has_gate_tls(config)) {
    return bad("gate.listen_address",
               "must be a loopback address, because the gate speaks plain HTTP; give "
               "gate.tls_certificate_file and gate.tls_key_file, put a TLS proxy before it, or set "
               "gate.listen_allow_plain_http = true");
  }
  if (config.gate_enabled && config.gate_listen_port != 0 &&
      (config.gate_listen_port == config.listen_port ||
       config.gate_listen_port == config.operations_port)) {
    return bad("gate.listen_port", "must differ from listen.port and operations.port");
  }
  return {};
}

Result<void> check_together(const Config& config) {
  LK_CHECK(check_gate(config));
  if (config.tls_certificate_file.empty() != config.tls_key_file.empty()) {
    const bool lacks_key = config.tls_key_file.empty();
    return bad(
        lacks_key ? "tls.key_file" : "tls.certificate_file",
        lacks_key ? "must be given with tls.certificate_file" : "must be given with tls.key_file");
  }
  if (!is_loopback(config.listen_address) && !config.listen_allow_plain_http && !has_tls(config)) {
    return bad("listen.address",
               "must be a loopback address, because this server speaks plain HTTP; give "
               "tls.certificate_file and tls.key_file, put a TLS proxy before it, or set "
               "listen.allow_plain_http = true");
  }
  if (!config.store_password_file.empty() && config.store_url.empty()) {
    return bad("store.url", "must be given with store.password_file");
  }
  if (config.listen_port != 0 && config.listen_port == config.operations_port) {
    return bad("operations.port", "must differ from listen.port");
  }
  if (!config.smtp_url.empty() && config.smtp_from.empty()) {
    return bad("smtp.from", "must be given with smtp.url");
  }
  if (!config.smtp_user.empty() && config.smtp_password_file.empty()) {
    return bad("smtp.password_file", "must be given with smtp.user");
  }
  if (config.limits_buffered_bytes_max < 2 * uint64_t{config.limits_body_bytes_max}) {
    return bad("limits.buffered_bytes_max", "must be at least twice limits.body_bytes_max");
  }
  if (config.session_idle_hours > config.session_absolute_hours) {
    return bad("session.idle_hours", "must not be above session.absolute_hours");
  }
  return {};
}

std::string quote_toml(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> list = place_settings();
    for (Setting& setting : feature_settings()) list.push_back(std::move(setting));
    for (Setting& setting : gate_settings()) list.push_back(std::move(setting));
    for (Setting& setting : limit_settings()) list.push_back(std::move(setting));
    return list;
  }();
  return all;
}

std::string flag_of(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::replace_if(
      flag.begin(), flag.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return flag;
}

std::string environment_variable_of(std::string_view key) {
  std::string name = "LATCHKEY_" + std::string(key);
  for (char& c : name) {
    if (c == '.') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return name;
}

Result<Config> load_config(const ConfigSources& sources) {
  // Once without a file, because the data folder may be where the file is.
  Config config;
  LK_CHECK(refuse_unknown_variables(sources.environment));
  LK_CHECK(apply_environment(config, sources.environment));
  for (const auto& [key, text] : sources.flags) LK_CHECK(apply(config, key, text, flag_of(key)));

  const std::string beside = config.data_dir + "/latchkey.toml";
  std::error_code missing;
  const bool has_beside = sources.file.empty() && std::filesystem::exists(beside, missing);
  if (!sources.file.empty() || has_beside) {
    config = Config();
    const std::string& file = has_beside ? beside : sources.file;
    LK_CHECK(apply_file(config, file, has_beside));
    config.file = file;
    LK_CHECK(apply_environment(config, sources.environment));
    for (const auto& [key, text] : sources.flags) LK_CHECK(apply(config, key, text, flag_of(key)));
  }
  LK_CHECK(check_together(config));
  return config;
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == text.npos || !text.starts_with("LATCHKEY_")) continue;
    all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

std::string format_config(const Config& config) {
  std::string text;
  std::string section;
  for (const Setting& setting : settings()) {
    const size_t dot = setting.key.find('.');
    const std::string_view own = dot == setting.key.npos ? "" : setting.key.substr(0, dot);
    if (own != section) {
      section = own;
      text += "\n[" + section + "]\n";
    }
    const std::string name(dot == setting.key.npos ? setting.key : setting.key.substr(dot + 1));
    const std::string value = setting.get(config);
    const auto origin = config.origins.find(setting.key);
    text += name + " = " + (setting.kind == SettingKind::text ? quote_toml(value) : value) +
            "  # " + (origin == config.origins.end() ? "default" : origin->second) + "\n";
  }
  return text + format_declared_scopes(config.declared_scopes);
}

bool is_loopback(std::string_view address) {
  return address == "::1" || address.starts_with("127.");
}

bool has_gate_tls(const Config& config) { return !config.gate_tls_certificate_file.empty(); }

bool has_tls(const Config& config) { return !config.tls_certificate_file.empty(); }

std::string local_url(const std::string& address, uint16_t port) {
  std::string host = address == "0.0.0.0" ? "127.0.0.1" : address == "::" ? "::1" : address;
  if (host.find(':') != host.npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(port);
}

std::string effective_public_url(const Config& config, uint16_t port) {
  if (!config.public_url.empty()) return config.public_url;
  return (has_tls(config) ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port);
}

http::Limits http_limits(const Config& config) {
  http::Limits limits;
  limits.head_bytes_max = config.limits_head_bytes_max;
  limits.headers_max = config.limits_headers_max;
  limits.target_bytes_max = config.limits_target_bytes_max;
  limits.body_bytes_max = config.limits_body_bytes_max;
  limits.connections_max = config.limits_connections_max;
  limits.buffered_bytes_max = config.limits_buffered_bytes_max;
  limits.head_timeout = Milliseconds(config.limits_head_timeout_ms);
  limits.body_timeout = Milliseconds(config.limits_body_timeout_ms);
  limits.idle_timeout = Milliseconds(config.limits_idle_timeout_ms);
  limits.write_timeout = Milliseconds(config.limits_write_timeout_ms);
  limits.waited_max = Milliseconds(config.limits_waited_max_ms);
  return limits;
}

}  // namespace latchkey::app
