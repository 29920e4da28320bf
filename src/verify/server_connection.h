// The way from a gate to its server: an address, a credential, and requests over one connection.
//
// The credential is a client's secret in a file that only its owner may read; it is read anew when
// the server refuses it, so a new one needs no restart. Plain HTTP is taken to this machine only:
// what comes back may be keys. Thread safety: one thread a ServerConnection.
// Spec: docs/spec/feed.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/client.h"

namespace latchkey::verify {

struct ServerAddress {
  std::string url;              // "https://tokens.example.com", no slash at the end
  std::string ca_file;          // PEM file of roots; empty: the system's
  std::string credential_file;  // one line: the client's secret
};
// Errors: configuration (field "server": no http or https URL, or http to another machine).
Result<void> check_server_url(std::string_view url);
// The secret in the file `path`. Errors: configuration (field "credential_file": it is not there,
// others may read it, or it holds no client's secret; the message says what to type).
Result<SecretText> load_credential(const std::string& path);

class ServerConnection {
 public:
  // Errors: those of the two functions above.
  static Result<ServerConnection> open(const ServerAddress& address, Milliseconds timeout);

  // The answer with status 200 or 204. Errors: feed_truncated (410); invalid_argument (400: it will
  // never be taken); store_unavailable (cannot be reached, not in time, or refuses; the message
  // says which).
  Result<http::ClientResponse> send(http::ClientRequest request);

 private:
  ServerConnection(ServerAddress address, Milliseconds timeout, SecretText credential);

  ServerAddress address_;
  std::unique_ptr<http::Client> client_;
  SecretText credential_;
};

}  // namespace latchkey::verify
