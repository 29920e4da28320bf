// The endpoint that proxies ask before they let a request through.
//
// 200 without a body and with who calls; 401, 403, 404, 405, 400 or 503 with the reason in headers
// too, since some proxies drop the body of a refusal. A preflight that is allowed is told as a 403
// that says 204: a proxy that knows nothing of it must not forward it. Thread safety: any thread.
// Spec: docs/spec/forward-auth.md.
#pragma once

#include "base/clock.h"
#include "gate/gate.h"
#include "http/message.h"
#include "http/worker_pool.h"

namespace latchkey::gate {

// What a refused request must be answered with, where a proxy cannot pass our status on.
inline constexpr std::string_view kStatusHeader = "X-Latchkey-Status";
// The body of that answer, in ASCII.
inline constexpr std::string_view kBodyHeader = "X-Latchkey-Body";

class ForwardAuth final : public http::Handler {
 public:
  // Who asks for a revision that is not here yet waits in `waiters`, at most `wait_max`.
  ForwardAuth(Gate& gate, const verify::Verifier& verifier, http::WorkerPool& waiters,
              Milliseconds wait_max)
      : gate_(gate), verifier_(verifier), waiters_(waiters), wait_max_(wait_max) {}

  // Answers requests of is_forward_auth_path(); others with 404.
  void handle(const http::Request& request, http::Reply reply) override;

 private:
  http::Response answer(const http::Request& request);

  Gate& gate_;
  const verify::Verifier& verifier_;
  http::WorkerPool& waiters_;
  const Milliseconds wait_max_;
};

}  // namespace latchkey::gate
