// The console's routes about clients: gates and resource servers.
//
//   GET    /clients            each client: name, what it may do, organizations, when it was made
//   POST   /clients            makes one; the answer holds its secret, once
//   DELETE /clients/{name}     ends one
// Thread safety: any thread. Documented in docs/operating/clients.md.
#pragma once

#include "http/message.h"
#include "service/actor.h"
#include "service/clients.h"

namespace latchkey::app {

class ConsoleClients {
 public:
  explicit ConsoleClients(service::Clients& clients) : clients_(clients) {}

  // Answers a request whose path begins with "/clients".
  Result<http::Response> answer(const http::Request& request, const service::Actor& actor);

 private:
  Result<http::Response> list(const service::Actor& actor);
  Result<http::Response> add(const http::Request& request, const service::Actor& actor);
  Result<http::Response> remove(std::string_view encoded_name, const service::Actor& actor);

  service::Clients& clients_;
};

}  // namespace latchkey::app
