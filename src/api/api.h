// Our own REST API, as one http::Handler.
//
// The routes are those of spec/openapi.json, which is compiled in and served; the document's
// `security` guards each of them through the gate's route table before a handler runs. create()
// refuses a document whose operations and our handlers do not match one to one. A token is checked
// on the network thread, in memory; what touches the store runs on `workers`. Thread safety:
// handle() from any network thread. Spec: docs/spec/authentication.md, lifecycle-api.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/change_feed.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "core/scope_catalog.h"
#include "gate/usage_recorder.h"
#include "http/message.h"
#include "http/worker_pool.h"
#include "service/clients.h"
#include "service/identity.h"
#include "service/last_use.h"
#include "service/notifier.h"
#include "service/organizations.h"
#include "service/projects.h"
#include "service/tokens.h"
#include "service/usage.h"
#include "verify/verifier.h"

namespace latchkey::api {

struct Services {
  service::Identity& identity;
  service::Organizations& organizations;
  service::Projects& projects;
  service::Tokens& tokens;
  service::Notifier& notifier;
  service::LastUseRecorder& last_use;
  service::Clients& clients;
  ChangeFeed& feed;
  service::Usage& usage;
  gate::UsageRecorder& usage_recorder;
};

struct ApiDependencies {
  Services services;
  verify::Verifier& verifier;
  const core::ScopeCatalog& catalog;
  http::WorkerPool& workers;           // for the store
  http::WorkerPool& password_workers;  // for Argon2id, so that sign-ins cannot starve the rest
  Clock& clock;
  Entropy& entropy;
  Log& log;
};

struct ApiOptions {
  std::string public_url;  // "http://127.0.0.1:8080", no slash at the end
  Uuid deployment_id;      // of this installation, in connectionData
  // That the revisions of answers count in: a failover that lost changes begins another.
  std::function<core::Epoch()> epoch;
  Milliseconds index_wait_max{1000};  // how long a change's answer waits for our index
  Milliseconds expiry_notice = std::chrono::days(14);  // when answers begin to carry the expiry
};

// Counters of checked credentials since start, for the metrics.
struct ApiCounters {
  uint64_t checks_granted = 0;
  uint64_t checks_refused = 0;
  uint64_t sign_ins_refused = 0;
  uint64_t asked_active = 0;  // by introspection and batch check
  uint64_t asked_inactive = 0;
  uint64_t revoked_by_holders = 0;
  // Answers with status 503, by what was not there.
  uint64_t unavailable_store = 0;
  uint64_t unavailable_index = 0;
  uint64_t unavailable_room = 0;
  uint64_t unavailable_time = 0;
};

class Api : public http::Handler {
 public:
  // Errors: configuration (the document and the handlers do not match).
  static Result<std::unique_ptr<Api>> create(const ApiDependencies& dependencies,
                                             const ApiOptions& options);
  virtual ApiCounters counters() const = 0;
};

}  // namespace latchkey::api
