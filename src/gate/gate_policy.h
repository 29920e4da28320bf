// The gate's decisions as a reverse proxy takes them, and the upstreams of its APIs.
//
// A request that may pass goes to its API's upstream with a path that was written anew from what
// was guarded, and with who calls. An upstream whose settings stay the same lives on when the APIs
// are reloaded, with its health; all that were ever made live as long as this object, since a
// request may still be with one. Thread safety: decide() from any thread; publish() from one. Spec:
// docs/spec/gate.md, proxy.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "gate/gate.h"
#include "gate/proxy.h"
#include "http/upstream.h"

namespace latchkey::gate {

class GatePolicy final : public ProxyPolicy {
 public:
  // All outlive this object.
  GatePolicy(Gate& gate, const verify::Verifier& verifier, const Clock& clock, Log& log)
      : gate_(gate), verifier_(verifier), clock_(clock), log_(log) {}
  ~GatePolicy() override;

  // Makes the upstreams of `table`, then makes it the gate's. Errors: configuration (`field` is
  // "gate.api[N].KEY"; then nothing has changed).
  Result<void> publish(std::shared_ptr<const ApiTable> table);

  ProxyDecision decide(const http::Request& request) override;

  // The upstreams in use, by the name of their API.
  std::vector<std::pair<std::string, const http::Upstream*>> upstreams() const;

 private:
  struct Made {
    std::string api;
    UpstreamSettings settings;
    std::unique_ptr<http::Upstream> upstream;
  };
  Result<http::Upstream*> make_upstream(const Api& api);
  http::Upstream* find_upstream(const std::string& api) const;
  std::function<bool()> watch(const http::Request& request, const Decision& decision) const;

  Gate& gate_;
  const verify::Verifier& verifier_;
  const Clock& clock_;
  Log& log_;
  std::vector<Made> made_;  // publish() only
  mutable Mutex mutex_;
  std::map<std::string, http::Upstream*> current_ LK_GUARDED_BY(mutex_);
  std::unique_ptr<http::UpstreamKeeper> keeper_;  // publish() only
};

}  // namespace latchkey::gate
