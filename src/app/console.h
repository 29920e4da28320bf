// What the operator may ask a running server through its owner-only Unix socket.
//
// Whoever may open DATA/latchkey.sock (mode 0600) owns the data anyway, so there is no credential:
// every request acts as the console. JSON in and out; errors have the form of the API's.
//   GET /status             POST /setup-link         POST /setup
//   GET /people             POST /people/{id}/reset-link, /people/{id}/state
//   POST /backup starts one; GET /backup says how far it is, and how it ended.
//   /keys and below are in console_keys.h, /clients and below in console_clients.h
//   POST /audit/verify starts a run or joins the one that runs; GET /audit/verify says how far it
//   is.
// Thread safety: handle() from any thread. Documented in docs/operating/command-line.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/backup_run.h"
#include "app/console_clients.h"
#include "app/console_keys.h"
#include "base/json.h"
#include "http/message.h"
#include "http/worker_pool.h"
#include "service/identity.h"
#include "store/store.h"
#include "verify/verifier.h"

namespace latchkey::app {

struct ConsoleDependencies {
  service::Identity& identity;
  verify::Verifier& verifier;
  store::Store& store;
  http::WorkerPool& workers;
  http::WorkerPool& password_workers;
  BackupRun& backup;
  ConsoleKeys& keys;
  ConsoleClients& clients;
};

struct ConsoleOptions {
  std::string public_url;
  std::string server_url;      // where this machine reaches the server
  std::string operations_url;  // and its health and metrics
  std::string deployment_id;
  Milliseconds index_wait_max{1000};
};

class Console final : public http::Handler {
 public:
  Console(const ConsoleDependencies& dependencies, ConsoleOptions options);
  ~Console() override;
  void handle(const http::Request& request, http::Reply reply) override;

 private:
  struct AuditRun;
  using Answer = Result<http::Response>;

  service::Actor actor(const http::Request& request) const;
  Answer answer(const http::Request& request);
  Answer answer_person(const http::Request& request, std::string_view rest);
  Answer status();
  Answer setup_link(const http::Request& request);
  Answer set_up(const http::Request& request);
  Answer people(const http::Request& request);
  Answer reset_link(const http::Request& request, core::PersonId person);
  Answer change_state(const http::Request& request, core::PersonId person);
  Answer start_audit();
  Answer audit_progress() const;
  void run_audit();

  ConsoleDependencies dependencies_;
  const ConsoleOptions options_;
  const std::unique_ptr<AuditRun> audit_;
};

}  // namespace latchkey::app
