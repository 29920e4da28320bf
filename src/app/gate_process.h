// A gate as its own process: an index that is fed by a server, and the gate over it.
//
// start() takes the address of health and metrics; connect() asks the server for its snapshot and
// opens the gate. From then on the index follows the server by itself; when it is not heard for
// longer than the bound, every token is answered with 503, until it is heard again. Thread safety:
// all from one thread. Documented in docs/operating/gate.md.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "base/log.h"
#include "base/result.h"

namespace latchkey::app {

class GateProcess {
  struct State;

 public:
  // Errors: configuration (a setting, an address in use).
  static Result<std::unique_ptr<GateProcess>> start(const Config& config, Log& log);
  explicit GateProcess(std::unique_ptr<State> state);  // for start()
  ~GateProcess();
  GateProcess(const GateProcess&) = delete;
  GateProcess& operator=(const GateProcess&) = delete;

  // Does nothing once it was done. Errors: store_unavailable and timed_out (the server cannot be
  // reached: try again); configuration; request_malformed (it is no server of this release);
  // integrity_violated.
  Result<void> connect();
  bool is_connected() const;
  // Why the index can never be current again; nothing while it can.
  std::optional<Error> failure() const;

  std::string url() const;             // of the gate; empty before connect()
  std::string operations_url() const;  // of health and metrics

  // Looks whether files have changed; to be called every few seconds.
  void poll();
  // Takes the files anew.
  void reload();
  // Lets requests in progress end for at most `grace`.
  void stop(Milliseconds grace);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::app
