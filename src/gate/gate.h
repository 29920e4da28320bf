// May this request pass? What stands before an API asks here, for each request.
//
// A decision is made from the head of a request alone, in memory: which API and operation it is,
// which organization it belongs to, whether its credential is good and opens the operation. What
// is not known is refused. The table of APIs is replaced whole while requests go on; a decision
// keeps the one that it was made with. Thread safety: any thread, never waiting for I/O. Spec:
// docs/spec/gate.md.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "core/scope_catalog.h"
#include "gate/api_table.h"
#include "gate/refusal_body.h"
#include "gate/usage.h"
#include "http/message.h"
#include "verify/verifier.h"

namespace latchkey::gate {

inline constexpr std::string_view kMinRevisionHeader = "X-Latchkey-Min-Revision";

// What became of a request. Allowed if there is neither a refusal nor an answer.
struct Decision {
  std::shared_ptr<const ApiTable> table;        // what the two below live in
  const Api* api = nullptr;                     // null: none has this host and path
  const GuardedOperation* operation = nullptr;  // null: the API has none
  OperationAccess access;                       // what the operation asks, if there is one
  std::string host;                             // empty: it could not be read
  std::string organization;                     // by its name; empty before it was looked for
  std::optional<verify::Grant> grant;           // nothing: refused, or open and anonymous
  std::optional<Error> refusal;
  std::optional<http::Response> answer;  // of a preflight that is allowed

  bool is_allowed() const { return !refusal && !answer; }
};

struct GateDependencies {
  const verify::Verifier& verifier;
  const core::ScopeCatalog& catalog;
  UsageSink& usage;
  const Clock& clock;
};

struct GateOptions {
  std::string public_url;  // where tokens are made, for refusals; empty if it is not known
};

// Decisions since start, for the metrics.
struct GateCounters {
  uint64_t allowed = 0;
  uint64_t preflights = 0;
  uint64_t refused_400 = 0, refused_401 = 0, refused_403 = 0, refused_404 = 0, refused_405 = 0;
  uint64_t refused_503 = 0;
};

class Gate {
 public:
  Gate(const GateDependencies& dependencies, GateOptions options)
      : dependencies_(dependencies), options_(std::move(options)) {}

  // Takes the place of the table in use.
  void publish(std::shared_ptr<const ApiTable> table);
  std::shared_ptr<const ApiTable> table() const;

  // `authority` is the request's host with or without port. REQUIRES: a table was published.
  // Cost: of the path's length, one HMAC and one probe; see docs/performance.md.
  Decision decide(const http::Request& request, std::string_view authority);

  // The revision that `request` wants the index to have, if it has not; so who may block waits for
  // it before it asks decide(), which refuses. Nothing if there is nothing to wait for.
  std::optional<core::Revision> missing_revision(const http::Request& request) const;

  // The answer of a refused decision, in the form that its client reads, or in JSON for who builds
  // it again. REQUIRES: decision.refusal.
  http::Response refusal_of(const Decision& decision, const http::Request& request) const;
  http::Response json_refusal_of(const Decision& decision, const http::Request& request) const;
  // What an upstream is told of who calls: X-Latchkey-User and others, each good as a header.
  std::vector<std::pair<std::string, std::string>> identity_headers(const Decision& decision) const;

  GateCounters counters() const;

 private:
  Result<void> decide_into(const http::Request& request, std::string_view authority,
                           Decision& decision);
  Result<void> authorize(const http::Request& request, std::string_view host_organization,
                         Decision& decision);
  Result<verify::Grant> check(std::string_view secret, const http::Request& request,
                              Decision& decision);
  Result<void> check_revision(const http::Request& request) const;
  Error without_route(Error error, std::string_view secret, const http::Request& request,
                      Decision& decision);
  void count(const Decision& decision);
  http::Response refuse(const Decision& decision, const http::Request& request,
                        RefusalForm form) const;

  const GateDependencies dependencies_;
  const GateOptions options_;
  const verify::ScopeRequirement any_token_ = verify::ScopeRequirement::any_token();
  mutable Mutex mutex_;
  std::shared_ptr<const ApiTable> table_ LK_GUARDED_BY(mutex_);
  std::array<std::atomic<uint64_t>, 8> counts_{};
};

// Headers of clients that would have an upstream read another method, address or caller than the
// gate did: names compare without case, and '_' counts as '-'.
bool is_misleading_header(std::string_view name);

}  // namespace latchkey::gate
