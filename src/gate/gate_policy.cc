#include "gate/gate_policy.h"

#include "base/secret.h"
#include "core/organization.h"
#include "gate/cors.h"
#include "gate/credential.h"
#include "gate/forwarded_request.h"
#include "gate/proxy_head.h"
#include "gate/proxy_target.h"

namespace latchkey::gate {

GatePolicy::~GatePolicy() = default;

Result<http::Upstream*> GatePolicy::make_upstream(const Api& api) {
  const UpstreamSettings& settings = api.settings.upstream;
  for (const Made& made : made_) {
    if (made.api == api.settings.name && made.settings == settings) return made.upstream.get();
  }
  http::UpstreamOptions options;
  options.name = api.settings.name;
  options.urls = settings.urls;
  options.ca_file = settings.ca_file;
  options.connect_timeout = settings.connect_timeout;
  options.head_timeout = settings.answer_timeout;
  options.stall_timeout = settings.stall_timeout;
  options.tunnel_timeout = settings.tunnel_timeout;
  options.health_path = settings.health_path;
  auto upstream = http::Upstream::make(std::move(options), clock_);
  if (!upstream) {
    const std::string field = "gate.api[" + std::to_string(api.number) + "].upstream";
    return Error(ErrorCode::configuration,
                 field + " of '" + api.settings.name + "' is refused: " + upstream.error().message,
                 field);
  }
  made_.push_back({api.settings.name, settings, *std::move(upstream)});
  return made_.back().upstream.get();
}

Result<void> GatePolicy::publish(std::shared_ptr<const ApiTable> table) {
  std::map<std::string, http::Upstream*> next;
  std::vector<http::Upstream*> list;
  for (const Api& api : table->apis()) {
    if (api.settings.upstream.urls.empty()) continue;
    LK_TRY(http::Upstream * upstream, make_upstream(api));
    next[api.settings.name] = upstream;
    list.push_back(upstream);
  }
  keeper_.reset();
  if (!list.empty()) {
    keeper_ = std::make_unique<http::UpstreamKeeper>(std::move(list), clock_, log_);
  }
  {
    MutexLock lock(mutex_);
    current_.swap(next);
  }
  gate_.publish(std::move(table));
  return {};
}

http::Upstream* GatePolicy::find_upstream(const std::string& api) const {
  MutexLock lock(mutex_);
  const auto found = current_.find(api);
  return found == current_.end() ? nullptr : found->second;
}

std::vector<std::pair<std::string, const http::Upstream*>> GatePolicy::upstreams() const {
  MutexLock lock(mutex_);
  return {current_.begin(), current_.end()};
}

ProxyDecision GatePolicy::decide(const http::Request& request) {
  if (is_forward_auth_path(request.path())) return NotProxied{};
  Decision decision = gate_.decide(request, request.header("Host").value_or(""));
  if (decision.answer) return *std::move(decision.answer);
  http::Upstream* upstream =
      decision.refusal ? nullptr : find_upstream(decision.api->settings.name);
  if (!decision.refusal && !upstream) {
    decision.refusal =
        Error(ErrorCode::route_unknown, "This API has no upstream here: its proxy asks the gate.");
  }
  if (decision.refusal) return gate_.refusal_of(decision, request);
  const ApiSettings& settings = decision.api->settings;
  PathSegments segments;
  // What was matched can be parsed, and is not too long.
  LK_ASSERT(segments.parse(request.path(), settings.encoded_slash));
  ProxyForward forward;
  forward.upstream = upstream;
  forward.target = format_proxy_target(segments, request.path(), request.query());
  forward.host = settings.upstream.keeps_host ? HostHeader::of_client : HostHeader::of_upstream;
  forward.headers = gate_.identity_headers(decision);
  forward.answer_headers = cors_headers(settings.cors, request);
  forward.body_bytes_max = settings.upstream.body_bytes_max;
  if (asks_for_websocket(request)) forward.still_allowed = watch(request, decision);
  return forward;
}

// A tunnel may outlive its token: the same credential is checked again for the same operation.
std::function<bool()> GatePolicy::watch(const http::Request& request,
                                        const Decision& decision) const {
  if (!decision.grant) return {};
  Credential credential;
  if (!credential.read(request)) return {};  // it was read a moment ago
  auto secret = std::make_shared<const SecretText>(credential.secret());
  return [this, secret, table = decision.table, operation = decision.operation,
          name = core::organization_key(decision.organization)] {
    const auto organization = verifier_.find_organization(name);
    const bool needs_it = !name.empty() && !operation->is_open;
    if (needs_it && !organization) return false;
    const verify::Moment moment{clock_.now(), clock_.ticks()};
    return verifier_
        .check(secret->reveal(RevealSecret{}), organization, operation->requirement, moment)
        .has_value();
  };
}

}  // namespace latchkey::gate
