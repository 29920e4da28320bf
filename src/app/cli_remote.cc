// The saved session, and requests to a server or its console.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/keys.h"
#include "app/reveal.h"
#include "app/version.h"
#include "base/text.h"
#include "base/uuid.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kDefaultServer = "http://127.0.0.1:8080";
constexpr Milliseconds kTimeout{30'000};
constexpr Milliseconds kRetryPause{1'000};  // a server that is started again has time for it

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_socket(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

Result<std::string> check_server_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return usage_error("the server '" + url + "' is no URL",
                       "give one such as --server https://tokens.example.com");
  }
  return url;
}

std::unique_ptr<http::Client> make_client(std::string base_url, std::string unix_path,
                                          std::string ca_file = "") {
  http::ClientOptions options;
  options.ca_file = std::move(ca_file);
  options.base_url = std::move(base_url);
  options.unix_path = std::move(unix_path);
  options.timeout = kTimeout;
  return std::make_unique<http::Client>(std::move(options));
}

// What to do about the refusal with this typeKey (docs/spec/http.md) and message.
std::string next_of_kind(std::string_view type_key, std::string_view message) {
  constexpr std::string_view kTokens = "see `latchkey token list --state all`";
  if (message.starts_with("'authorizationId'")) return std::string(kTokens);
  constexpr std::pair<std::string_view, std::string_view> kNext[] = {
      {"TokenNotFoundException", kTokens},
      {"OrganizationNotFoundException", "see `latchkey org list`"},
      {"MemberNotFoundException", "see `latchkey org members`"},
      {"IdentityNotFoundException", "see `latchkey user list`"},
      {"SessionNotFoundException", "see `latchkey user sessions`"},
      {"ProjectDoesNotExistWithNameException",
       "see `latchkey project list`, also with --state deleted"},
      {"ControllerNotFoundException", "look at the URL given with --server"}};
  for (const auto& [key, next] : kNext) {
    if (key == type_key) return std::string(next);
  }
  return "";
}

std::string what_next(int status, const std::string& retry_after) {
  if (status == 401) return "sign in with `latchkey login`";
  if (status == 403) return "ask somebody whose role allows it";
  if (!retry_after.empty()) {
    return "try again in " + retry_after + (retry_after == "1" ? " second" : " seconds");
  }
  if (status >= 500) return "try again, or look into the server's log";
  return "";
}

// What to do about a patTokenError, which comes with status 200.
std::string pat_next(std::string_view name) {
  if (name == "displayNameRequired" || name == "invalidDisplayName") return "give another --name";
  if (name == "invalidValidTo") return "give --days or another --until";
  if (name == "invalidScope") return "see `latchkey scopes`";
  if (name == "authorizationNotFound" || name == "invalidAuthorizationId") {
    return "see `latchkey token list --state all`";
  }
  if (name == "failedToUpdateAccessToken") return "make a new one with `latchkey token create`";
  return "ask an administrator of the organization";
}

// A request that the server may have got, but for which no whole answer came.
bool is_lost(const Result<http::ClientResponse>& answer) {
  return !answer && (answer.error().code == ErrorCode::timed_out ||
                     answer.error().code == ErrorCode::request_malformed);
}

// What to do when no answer came.
std::string next_without_answer(const Error& error) {
  if (error.field == "certificate") {
    return "name the roots that it is signed under with --ca-file or LATCHKEY_CA_FILE, and the "
           "server by a name of its certificate with --server";
  }
  if (error.field == "ca_file") return "look at the file given with --ca-file or LATCHKEY_CA_FILE";
  if (error.field == "tls") return "look whether the server speaks http:// there, or an older TLS";
  return "start it with `latchkey serve`, or name another with --server";
}

}  // namespace

std::string profile_path() {
  std::string folder = environment("XDG_CONFIG_HOME");
  if (folder.empty()) folder = environment("HOME") + "/.config";
  return folder + "/latchkey/session.json";
}

Result<Profile> load_profile() {
  const std::string path = profile_path();
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) return Profile();
  LK_CHECK(check_private(path));
  LK_TRY(const std::string text, read_small_file(path));
  const auto document = parse_json(text);
  if (!document || !document->is_object()) {
    return usage_error(path + " is damaged", "remove it and sign in with `latchkey login`");
  }
  Profile profile;
  profile.server = text_field(*document, "server");
  profile.organization = text_field(*document, "organization");
  profile.ca_file = text_field(*document, "caFile");
  profile.session = SecretText::take(text_field(*document, "session"));
  return profile;
}

Result<void> save_profile(const Profile& profile) {
  const std::string path = profile_path();
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  LK_CHECK(make_data_dir(folder.string()));
  const json::value document = {{"server", profile.server},
                                {"organization", profile.organization},
                                {"caFile", profile.ca_file},
                                {"session", reveal_for_private_file(profile.session)}};
  std::string text = format_json(document) + "\n";
  auto written = write_private_file(path, text);
  wipe(text.data(), text.size());
  return written;
}

Result<void> delete_profile() {
  const std::string path = profile_path();
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return usage_error("cannot remove " + path, "remove it by hand");
  }
  return {};
}

std::string data_dir_of(const Cli& cli) {
  if (!cli.data_dir.empty()) return cli.data_dir;
  const std::string variable = environment("LATCHKEY_DATA_DIR");
  return variable.empty() ? "./latchkey-data" : variable;
}

Result<Remote> Remote::anonymous(const Cli& cli) {
  LK_TRY(const Profile profile, load_profile());
  Remote remote;
  const std::string url = !cli.server.empty()       ? cli.server
                          : !profile.server.empty() ? profile.server
                                                    : std::string(kDefaultServer);
  LK_TRY(remote.server_, check_server_url(url));
  remote.organization_ = cli.organization;
  remote.ca_file_ = cli.ca_file;
  if (cli.ca_file.empty() && remote.server_ == profile.server) remote.ca_file_ = profile.ca_file;
  remote.client_ = make_client(remote.server_, "", remote.ca_file_);
  return remote;
}

Result<Remote> Remote::signed_in(const Cli& cli) {
  LK_TRY(Remote remote, anonymous(cli));
  LK_TRY(Profile profile, load_profile());
  // A session belongs to the server that gave it; it is never sent to another.
  if (profile.session.empty() || profile.server != remote.server_) {
    return Error(ErrorCode::credential_missing, "you are not signed in at " + remote.server_, "",
                 "sign in with `latchkey login --server " + remote.server_ + "`");
  }
  remote.session_ = std::move(profile.session);
  if (remote.organization_.empty()) remote.organization_ = profile.organization;
  return remote;
}

std::optional<Remote> Remote::console(const Cli& cli) {
  const std::string path = socket_path(data_dir_of(cli));
  if (!is_socket(path)) return std::nullopt;
  Remote remote;
  remote.server_ = "the console at " + path;
  remote.client_ = make_client("http://localhost", path);
  return remote;
}

Result<std::string> Remote::organization() const {
  if (organization_.empty()) {
    return usage_error("it is not clear which organization is meant",
                       "give --organization NAME, or set LATCHKEY_ORGANIZATION");
  }
  return percent_encode(organization_);
}

Result<http::ClientResponse> Remote::send(const http::ClientRequest& request, Delivery delivery) {
  auto answer = client_->send(request);
  const bool again = delivery == Delivery::once && is_lost(answer);
  if (again) {
    tell("The answer was lost; asking again for the same.");
    std::this_thread::sleep_for(kRetryPause);
    answer = client_->send(request);
  }
  if (answer) return answer;
  Error error = std::move(answer).error();
  if (!error.message.empty()) error.message[0] = ascii_lower(error.message[0]);
  error.detail = again ? "it may have been done all the same: see `latchkey token list`"
                       : next_without_answer(error);
  return error;
}

Result<json::value> Remote::call(const Call& call) {
  http::ClientRequest request;
  request.method = call.method;
  request.target = call.target;
  request.headers = {{"Accept", "application/json"},
                     {"User-Agent", "latchkey/" + std::string(kVersion)}};
  if (call.body) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = format_json(*call.body);
  }
  if (!session_.empty()) request.authorization = bearer_header(session_);
  if (call.delivery == Delivery::once) {
    SystemEntropy entropy;
    LK_TRY(const Uuid key, make_uuid(entropy));
    request.headers.emplace_back("Idempotency-Key", '"' + format_uuid(key) + '"');
  }
  auto answer = send(request, call.delivery);
  wipe(request.body.data(), request.body.size());
  if (!answer) return std::move(answer).error();
  if (answer->status < 200 || answer->status > 299) {
    return refusal(answer->status, answer->body, answer->header("retry-after"));
  }
  if (answer->body.empty()) return json::value();
  auto parsed = parse_json(answer->body);
  wipe(answer->body.data(), answer->body.size());
  if (!parsed) {
    return Error(ErrorCode::request_malformed, server_ + " does not answer like a Latchkey server",
                 "", "look at the URL given with --server");
  }
  if (const std::string code = text_field(*parsed, "patTokenError");
      !code.empty() && code != "none") {
    const std::string message = text_field(*parsed, "patTokenErrorMessage");
    return Error(ErrorCode::conflict, message.empty() ? code : message, "", pat_next(code));
  }
  return std::move(*parsed);
}

Error refusal(int status, std::string_view body, const std::string& retry_after) {
  std::string message;
  std::string next;
  if (const auto parsed = parse_json(body)) {
    message = text_field(*parsed, "message");
    next = next_of_kind(text_field(*parsed, "typeKey"), message);
    if (const std::string id = text_field(*parsed, "authorizationId"); !id.empty()) {
      next = "see `latchkey token show " + id + "`";
    }
  }
  if (message.empty()) message = "the server answered with status " + std::to_string(status);
  if (next.empty()) next = what_next(status, retry_after);
  return Error(status == 401 ? ErrorCode::session_unknown : ErrorCode::conflict, message, "", next);
}

std::string text_field(const json::value& object, std::string_view name) {
  if (!object.is_object()) return "";
  const json::value* value = object.get_object().if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->get_string());
}

uint64_t number_field(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return 0;
  return static_cast<uint64_t>(value->get_int64());
}

bool flag_field(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::vector<json::value> list_field(const json::value& object, std::string_view name) {
  if (!object.is_object()) return {};
  const json::value* value = object.get_object().if_contains(name);
  if (value == nullptr || !value->is_array()) return {};
  return {value->get_array().begin(), value->get_array().end()};
}

}  // namespace latchkey::app
