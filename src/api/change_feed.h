// What the routes of the change feed ask of the server: its keys, a snapshot, and what changed.
//
// The answers are messages of verify/feed_message.h, filtered to what the client is for.
// Thread safety: any thread. Spec: docs/spec/feed.md.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "core/ids.h"
#include "service/clients.h"
#include "verify/feed.h"

namespace latchkey::api {

class ChangeFeed {
 public:
  virtual ~ChangeFeed() = default;

  // The digest keys, the provider signature and the installation. Errors: configuration.
  // Cost: reads the keys' files once for each set of keys.
  virtual Result<std::string> keys() = 0;
  // The page of the snapshot at `cursor` (empty: the first), with keys if those that the gate names
  // are not the ones that there are. Errors: invalid_argument (`after`), overloaded (too many read
  // one now), store_unavailable. Cost: reads rows.
  virtual Result<std::string> snapshot(const service::ProvenClient& client,
                                       const std::string& cursor, const std::string& keys) = 0;
  struct Question {
    core::Position after;
    struct Seen {
      core::Revision revision;
      verify::EventMark mark = 0;
    };
    std::optional<Seen> seen;  // the last event that what the gate has may show
    Milliseconds wait{0};
    std::string keys;  // by name, that the gate has
  };
  using Told = std::function<void(Result<std::string>)>;
  // What changed after a position, once there is something or `wait` is over, and for which moment
  // that is all. Returns at once; calls `told` once, from another thread.
  // Errors: feed_truncated, overloaded (too many wait), token_unknown (the client ended meanwhile),
  //         store_unavailable (this node has not come as far as the gate).
  virtual void changes(const service::ProvenClient& client, const Question& question,
                       Told told) = 0;
};

}  // namespace latchkey::api
