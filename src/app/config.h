// How this process is configured, from flags, environment, a file and defaults, in this order.
//
// Every key stands once, in settings(): its kind, its rule and its words. From that table come the
// flags of `latchkey serve`, the environment variables, the file's keys and --print-config, so none
// of them can know a key that the others do not. A key that nobody knows is refused by name. Thread
// safety: values. Documented in docs/operating/configuration.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "core/declared_scope.h"
#include "http/server.h"
#include "http/tls.h"
#include "service/mailer.h"

namespace latchkey::app {

struct Config {
  std::string data_dir = "./latchkey-data";
  std::string store_url;  // PostgreSQL; empty: SQLite in the data folder. May hold a password
  std::string store_password_file;
  std::string public_url;  // empty until the port is known: effective_public_url()

  std::string listen_address = "127.0.0.1";
  uint16_t listen_port = 8080;  // 0 lets the system choose
  uint32_t listen_threads = 0;  // 0: one a core
  bool listen_allow_plain_http = false;
  std::string listen_trusted_proxies;  // separated by commas

  std::string tls_certificate_file;  // empty: plain HTTP
  std::string tls_key_file;
  http::TlsVersion tls_minimum_version = http::TlsVersion::tls_1_2;

  std::string operations_address = "127.0.0.1";
  uint16_t operations_port = 8081;

  LogFormat log_format = LogFormat::text;
  LogLevel log_level = LogLevel::info;
  bool log_access = true;

  std::string smtp_url;
  std::string smtp_from;
  std::string smtp_user;
  std::string smtp_password_file;
  service::MailTls smtp_tls = service::MailTls::required;
  std::string smtp_ca_file;

  std::string token_provider = "LKEY";
  uint32_t verifier_staleness_max_ms = 1000;
  uint32_t session_idle_hours = 12;
  uint32_t session_absolute_hours = 168;

  uint32_t limits_head_bytes_max = 32 * 1024;
  uint32_t limits_headers_max = 100;
  uint32_t limits_target_bytes_max = 8 * 1024;
  uint32_t limits_body_bytes_max = 1024 * 1024;
  uint32_t limits_connections_max = 16'384;
  uint64_t limits_buffered_bytes_max = 256 * 1024 * 1024;
  uint32_t limits_head_timeout_ms = 10'000;
  uint32_t limits_body_timeout_ms = 30'000;
  uint32_t limits_idle_timeout_ms = 75'000;
  uint32_t limits_write_timeout_ms = 30'000;
  uint32_t limits_waited_max_ms = 100;

  std::vector<core::DeclaredScope> declared_scopes;  // [[gate.scope]], from the file only

  bool gate_enabled = false;
  std::string gate_listen_address = "127.0.0.1";
  uint16_t gate_listen_port = 8090;
  bool gate_listen_allow_plain_http = false;
  std::string gate_tls_certificate_file;
  std::string gate_tls_key_file;
  std::string gate_trusted_proxies;
  uint32_t gate_revision_wait_max_ms = 1000;
  std::string gate_server;  // these three: for `latchkey gate`
  std::string gate_ca_file;
  std::string gate_credential_file;

  std::string file;  // that the values are from; empty: none. [[gate.api]] stands there only

  std::map<std::string, std::string, std::less<>> origins;  // key to where its value is from
};

enum class SettingKind { text, integer, boolean };

struct Setting {
  std::string_view key;  // "listen.port"
  SettingKind kind = SettingKind::text;
  std::string_view help;
  // Errors: configuration naming the key and the rule.
  std::function<Result<void>(Config&, std::string_view)> set;
  std::function<std::string(const Config&)> get;
  std::vector<std::string_view> choices;  // all values that it takes, if they can be listed
};

// All keys, in the order that they are printed in.
const std::vector<Setting>& settings();
// "--listen-port" and "LATCHKEY_LISTEN_PORT" of "listen.port".
std::string flag_of(std::string_view key);
std::string environment_variable_of(std::string_view key);

// Where values come from. `flags` is by key; `file` is the path given with --config.
struct ConfigSources {
  std::map<std::string, std::string, std::less<>> flags;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string file;
};

// The effective configuration. Reads `latchkey.toml` in the data folder if no file is given and it
// is there. Errors: configuration (`field` is the key; the message names it, its source and rule).
Result<Config> load_config(const ConfigSources& sources);
// The environment of this process, for ConfigSources.
std::vector<std::pair<std::string, std::string>> process_environment();

// As TOML, each line with where it came from. Holds no secret: store.url is without its password.
std::string format_config(const Config& config);

// Whether `address` is 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view address);
// Whether the API and pages are served within TLS.
bool has_tls(const Config& config);
// Whether the gate's own listener speaks TLS.
bool has_gate_tls(const Config& config);
// "http://ADDRESS:PORT", with brackets around IPv6; a wildcard address becomes the loopback one.
std::string local_url(const std::string& address, uint16_t port);
// The configured one, or http://127.0.0.1:PORT; https with a certificate.
std::string effective_public_url(const Config& config, uint16_t port);
http::Limits http_limits(const Config& config);

}  // namespace latchkey::app
