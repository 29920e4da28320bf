// `latchkey doctor`: whether the configured server can work, and what to do if not.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>

#include "app/cli.h"
#include "app/cli_config.h"
#include "app/cli_output.h"
#include "app/doctor.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr size_t kFindingColumns = 9;  // "problem" and two spaces

std::string_view finding_name(Finding finding) {
  switch (finding) {
    case Finding::ok: return "ok";
    case Finding::warning: return "warning";
    case Finding::problem: break;
  }
  return "problem";
}

int64_t number_field(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_int64()    ? value->get_int64()
         : value != nullptr && value->is_uint64() ? static_cast<int64_t>(value->get_uint64())
                                                  : 0;
}

std::string user_name(uid_t user) {
  struct passwd entry = {};
  struct passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::to_string(user) : found->pw_name;
}

// Root goes on as the owner of the data folder, so that what is found is what the server meets.
// Nothing when the rest can be looked at.
std::optional<Check> become_owner(const std::string& data_dir) {
  struct stat status = {};
  if (::stat(data_dir.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return std::nullopt;
  const std::string owner = user_name(status.st_uid);
  const std::string advice = "type this as that user, or as root: runuser -u " + owner;
  if (::geteuid() != 0) {
    return Check{"user", Finding::problem, data_dir + " belongs to " + owner, advice};
  }
  const gid_t group = status.st_gid;
  if (::setgroups(1, &group) == 0 && ::setgid(group) == 0 && ::setuid(status.st_uid) == 0) {
    return std::nullopt;
  }
  return Check{"user", Finding::problem, "cannot go on as " + owner + ": " + std::strerror(errno),
               advice};
}

std::optional<RunningServer> find_running(Cli cli, const std::string& data_dir) {
  cli.data_dir = data_dir;
  auto console = Remote::console(cli);
  if (!console) return std::nullopt;
  // A socket may be left behind by a server that was killed: then nobody answers there.
  const auto status = console->call({"GET", "/status", {}});
  if (!status) return std::nullopt;
  RunningServer server;
  server.version = text_field(*status, "version");
  server.public_url = text_field(*status, "publicUrl");
  server.server_url = text_field(*status, "serverUrl");
  server.operations_url = text_field(*status, "operationsUrl");
  server.process_id = number_field(*status, "processId");
  server.revision = static_cast<uint64_t>(number_field(*status, "revision"));
  server.index_age_ms = number_field(*status, "indexAgeMs");
  if (const auto at = parse_date_time(text_field(*status, "lastEventAt"))) {
    server.last_event_at = *at;
  }
  return server;
}

// The file that was read, if one was, and whether others than its owner may change it.
Checks check_file_of(const Config& config, const ConfigOptions& options) {
  std::string path = options.file;
  const std::string beside = config.data_dir + "/latchkey.toml";
  if (path.empty() && ::access(beside.c_str(), F_OK) == 0) path = beside;
  if (path.empty()) {
    return {{"configuration", Finding::ok, "no file: flags, variables, defaults", ""}};
  }
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 022) != 0) {
    return {{"configuration", Finding::warning, path + " can be changed by others than its owner",
             "type: chmod go-w " + path}};
  }
  return {{"configuration", Finding::ok, path, ""}};
}

void append(Checks& all, Checks more) {
  for (Check& check : more) all.push_back(std::move(check));
}

Checks examine(const Cli& cli, const ConfigOptions& options) {
  const auto config = load_config(cli, options);
  if (!config) {
    const std::string& advice = config.error().detail;
    return {{"configuration", Finding::problem, config.error().message,
             advice.empty() ? "correct it; `latchkey serve --help` lists every key" : advice}};
  }
  Checks checks = check_file_of(*config, options);
  if (auto stranger = become_owner(config->data_dir)) {
    checks.push_back(std::move(*stranger));
    return checks;
  }
  Examined examined{*config, cli.ca_file, find_running(cli, config->data_dir), {}, {}};
  checks.push_back({"server", Finding::ok,
                    examined.running ? "runs, version " + examined.running->version
                                     : "does not run in " + config->data_dir,
                    ""});
  append(checks, check_data_folder(*config));
  append(checks, check_keys(examined));
  append(checks, check_store(examined));
  append(checks, check_disk(*config));
  append(checks, check_clock(examined));
  append(checks, check_limits(examined));
  append(checks, check_ports(examined));
  append(checks, check_certificate(*config));
  append(checks, check_mail(*config));
  append(checks, check_public_url(examined));
  return checks;
}

void print(const Cli& cli, const Checks& checks) {
  int64_t problems = 0;
  int64_t warnings = 0;
  json::array list;
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Check& check : checks) {
    problems += check.finding == Finding::problem ? 1 : 0;
    warnings += check.finding == Finding::warning ? 1 : 0;
    list.push_back({{"name", check.name},
                    {"finding", finding_name(check.finding)},
                    {"what", check.what},
                    {"advice", check.advice}});
    std::string head(finding_name(check.finding));
    head.resize(kFindingColumns, ' ');
    lines.emplace_back(head + std::string(check.name),
                       printable(check.what + (check.advice.empty() ? "" : "; " + check.advice)));
  }
  if (cli.json) {
    print_line(
        format_json({{"problems", problems}, {"warnings", warnings}, {"checks", std::move(list)}}));
    return;
  }
  size_t columns = 0;
  for (const auto& line : lines) columns = std::max(columns, line.first.size());
  for (auto& [head, words] : lines) {
    head.resize(columns + 2, ' ');
    print_line(head + words);
  }
}

void diagnose(Cli& cli, const ConfigOptions& options) {
  const Checks checks = examine(cli, options);
  print(cli, checks);
  for (const Check& check : checks) {
    if (check.finding == Finding::problem) cli.exit_code = static_cast<int>(ExitCode::problems);
  }
}

}  // namespace

void add_doctor_command(CLI::App& root, Cli& cli) {
  auto options = std::make_shared<ConfigOptions>();
  auto* command = root.add_subcommand("doctor", "Check that a server can work, and say what to do");
  add_config_options(*command, *options);
  command->footer(
      "Takes what `latchkey serve` takes, and looks at what that server would run with, whether "
      "it\n"
      "runs or not. One line a check: ok, warning or problem, what is wrong, what to do. Root "
      "goes\n"
      "on as the owner of the data folder. Nothing is changed, and no mail is sent. Exit code 6\n"
      "says that there is a problem.\n\n"
      "Example:\n  latchkey doctor --config /etc/latchkey/latchkey.toml");
  command->callback([&cli, options] { diagnose(cli, *options); });
}

}  // namespace latchkey::app
