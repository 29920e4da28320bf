// A small HTTP client for the command line, over libcurl: one request at a time, bounded.
//
// Follows no redirect, uses no proxy, sends only the headers it is given, verifies TLS (1.2
// or newer) with the given or the system's roots. A credential is given as a SecretText header
// value; our copy of it is wiped after the call (libcurl's own send buffer is freed, not wiped).
// Thread safety: one thread a Client.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace latchkey::http {

struct ClientRequest {
  std::string method = "GET";
  std::string target;  // path and query, percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  SecretText authorization;  // the value of Authorization; empty sends none
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string certificate_until;  // of https, if asked for: "Nov 24 12:00:00 2027 GMT"

  std::string header(std::string_view lower_case_name) const;  // empty when absent
};

struct ClientOptions {
  std::string base_url;   // e.g. "http://127.0.0.1:8080"; for a Unix socket "http://localhost"
  std::string unix_path;  // of a Unix socket; empty for TCP
  std::string ca_file;    // PEM file of the roots to verify TLS with; empty: the system's
  Milliseconds timeout{30'000};
  size_t response_bytes_max = 16 * 1024 * 1024;
  bool asks_certificate = false;  // fill ClientResponse::certificate_until
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Errors: timed_out, request_malformed (the answer is not HTTP or too large),
  //         store_unavailable (cannot connect; the message says where to; `field` is
  //         "certificate", "ca_file" or "tls" if that is why),
  //         invalid_argument (a target that does not begin with '/', a control character).
  Result<ClientResponse> send(const ClientRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::http
