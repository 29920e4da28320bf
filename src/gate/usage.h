// What a gate tells about each checked token: that it was used, when, from where, and how it went.
//
// Only tokens that are known are told of: a guess has no id. A sink is called in the path of every
// request, so it keeps what it can within its bounds, forgets the rest, and never waits.
// Thread safety: note() from any thread. Spec: docs/spec/usage.md.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "core/ids.h"

namespace latchkey::gate {

// One use. The texts are the caller's and are good during the call only.
struct Use {
  core::TokenId token;
  Instant at;
  bool allowed = false;              // false: known, but refused (scope, expiry, organization, ...)
  std::string_view address = {};     // of the client, without port
  std::string_view user_agent = {};  // as sent; a sink keeps a bounded part
};

class UsageSink {
 public:
  virtual ~UsageSink() = default;
  // Keeps `use`, or forgets it when there is no room. Cost: no I/O, no wait for any.
  virtual void note(const Use& use) noexcept = 0;
};

}  // namespace latchkey::gate
