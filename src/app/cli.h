// The command line: what every command shares.
//
// A command is a function that returns Result<void>; finish() turns an error into one line on
// stderr and the exit code that `latchkey --help` documents. What a program reads goes to stdout,
// what a person is told besides goes to stderr. Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/client.h"

namespace CLI {
class App;
}

namespace latchkey::app {

enum class ExitCode {
  done = 0,
  refused = 1,
  usage = 2,
  unreachable = 3,
  not_signed_in = 4,
  integrity = 5,
  problems = 6
};
ExitCode exit_code_of(ErrorCode code);
// "latchkey: what; what to do next", from message and detail.
std::string error_line(const Error& error);
// An error of how the command was called; `next` says what to type instead.
Error usage_error(std::string what, std::string next);

struct Cli {
  // Options that stand before or after any command.
  std::string server;        // --server, LATCHKEY_SERVER
  std::string organization;  // --organization, LATCHKEY_ORGANIZATION
  std::string data_dir;      // --data
  std::string ca_file;       // --ca-file, LATCHKEY_CA_FILE
  bool json = false;

  std::string program = "latchkey";  // as it was called, so that a hint can be typed as it stands
  int exit_code = 0;
  void finish(const Result<void>& result);
};

// --data, LATCHKEY_DATA_DIR, or ./latchkey-data.
std::string data_dir_of(const Cli& cli);

// What a sign-in leaves for the next commands, at $XDG_CONFIG_HOME/latchkey/session.json, 0600.
struct Profile {
  std::string server;
  std::string organization;  // the default one; may be empty
  std::string ca_file;       // roots of that server; may be empty
  SecretText session;        // empty: not signed in
};
std::string profile_path();
// Empty fields if there is no such file. Errors: configuration (it is malformed, or others can read
// it).
Result<Profile> load_profile();
Result<void> save_profile(const Profile& profile);
Result<void> delete_profile();

// Whether a request whose answer was lost is sent again, with the Idempotency-Key of the first.
enum class Delivery { plain, once };

// One request to the server or its console, and its answer.
struct Call {
  std::string method = "GET";
  std::string target;
  std::optional<json::value> body;
  Delivery delivery = Delivery::plain;
};

// The way to a server: its HTTP API with a session, or its console.
class Remote {
 public:
  // With the saved session. Errors: credential_missing (nobody is signed in).
  static Result<Remote> signed_in(const Cli& cli);
  // Without a credential, e.g. to sign in.
  static Result<Remote> anonymous(const Cli& cli);
  // The console of --data or ./latchkey-data, if its socket is there.
  static std::optional<Remote> console(const Cli& cli);

  // The JSON of a 2xx answer; null for an empty one.
  // Errors: session_unknown (401), conflict (any other refusal, with the server's words),
  //         store_unavailable and timed_out (no answer), request_malformed (not our server).
  Result<json::value> call(const Call& call);

  const std::string& server() const { return server_; }
  const std::string& ca_file() const { return ca_file_; }
  // --organization, or the default one. Errors: configuration when there is neither.
  Result<std::string> organization() const;

 private:
  Remote() = default;
  Result<http::ClientResponse> send(const http::ClientRequest& request, Delivery delivery);

  std::unique_ptr<http::Client> client_;
  std::string server_;
  std::string organization_;
  std::string ca_file_;
  SecretText session_;
};

// The server's words of an error answer, and what to do next, as an Error for finish().
Error refusal(int status, std::string_view body, const std::string& retry_after);

// The text field `name` of `object`; empty when it is absent, null or no text.
std::string text_field(const json::value& object, std::string_view name);
// The field `name` of `object` that is no negative number; 0 when it is absent.
uint64_t number_field(const json::value& object, std::string_view name);
// The boolean field `name` of `object`; false when it is absent.
bool flag_field(const json::value& object, std::string_view name);
// The objects in the array field `name` of `object`; empty when it is absent.
std::vector<json::value> list_field(const json::value& object, std::string_view name);

// Adds each group of commands to `root`.
void add_serve_command(CLI::App& root, Cli& cli);
void add_access_commands(CLI::App& root, Cli& cli);  // setup, login, logout
void add_token_commands(CLI::App& root, Cli& cli);   // token ..., scopes
void add_organization_commands(CLI::App& root, Cli& cli);
void add_project_commands(CLI::App& root, Cli& cli);
void add_user_commands(CLI::App& root, Cli& cli);  // user ..., outbox
void add_audit_commands(CLI::App& root, Cli& cli);
void add_gate_commands(CLI::App& root, Cli& cli);  // gate check, gate explain
void add_backup_command(CLI::App& root, Cli& cli);
void add_restore_command(CLI::App& root, Cli& cli);
void add_store_commands(CLI::App& root, Cli& cli);
void add_key_commands(CLI::App& root, Cli& cli);
void add_client_commands(CLI::App& root, Cli& cli);
void add_doctor_command(CLI::App& root, Cli& cli);
void add_bench_commands(CLI::App& root, Cli& cli);
void add_completion_commands(CLI::App& root, Cli& cli);  // completion, man

// Runs one command line; the exit code.
int run_cli(int argc, const char* const* argv);

}  // namespace latchkey::app
