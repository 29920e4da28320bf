// A running Latchkey: keys, store, services, index, API and listeners, put together in this order.
//
// start() gives a server that answers, or the reason why not, with nothing left behind but what a
// kill could leave too. stop() ends what is in progress and flushes what may be lost; nothing needs
// it for the durable state, which is whole after a kill at any moment. Thread safety: start(),
// the other functions and the destructor from one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"

namespace latchkey::app {

// What a person who starts a server is told.
struct Started {
  std::string public_url;
  std::string server_url;      // where this machine reaches it
  std::string operations_url;  // health and metrics
  std::string gate_url;        // empty without the gate's own listener
  SecretText setup_code;       // empty once somebody has been set up
};

class Server {
 public:
  // Errors: configuration (a setting, a key file, an address in use), store_unavailable,
  //         integrity_violated, internal. `log` outlives the server.
  static Result<std::unique_ptr<Server>> start(const Config& config, Log& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Started& started() const;
  // Looks whether the certificate's files, or the gate's, have changed; to be called every few
  // seconds.
  void poll_files();
  // Takes these files anew. False if there are none.
  bool reload_files();
  // Lets requests in progress end for at most `grace`. A second call does nothing.
  void stop(Milliseconds grace);

 private:
  struct State;

 public:
  // Called by start() only: nobody else can name a State.
  explicit Server(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::app
