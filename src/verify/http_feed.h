// The change feed of a server, over HTTPS.
//
// connect() asks for what stays: the provider signature, the installation, the catalog, the digest
// keys. A digest key that is new to the server reaches keys() before any token that was made with
// it; one that was retired goes. Thread safety: load() and follow() from one thread; keys() as it
// says. Spec: docs/spec/feed.md.
#pragma once

#include <memory>
#include <string>

#include "base/mutex.h"
#include "core/digest_keys.h"
#include "core/scope_catalog.h"
#include "verify/message_feed.h"
#include "verify/server_connection.h"

namespace latchkey::verify {

class HttpFeed final : public MessageFeed {
 public:
  // Errors: configuration (address, credential or catalog), store_unavailable (the message says
  //         why), request_malformed (what answers is no server of this release).
  // `clock` outlives the feed.
  static Result<std::unique_ptr<HttpFeed>> connect(const ServerAddress& address, Clock& clock);

  const core::DigestKeys& keys() const { return keys_; }
  const core::ProviderSignature& provider() const { return provider_; }
  const core::ScopeCatalog& catalog() const { return catalog_; }
  const Uuid& deployment() const { return deployment_; }
  // Why the last request failed; empty when it did not. From any thread.
  std::string problem() const {
    const MutexLock lock(mutex_);
    return problem_;
  }
  // By what age the server's own index refuses.
  Milliseconds staleness_max() const { return staleness_max_; }

 private:
  struct Start;

 public:
  HttpFeed(Start start, Clock& clock);  // called by connect() only

 private:
  // The message that `target` answers with. Errors: as connect(); feed_truncated; conflict (it is
  // of another installation).
  Result<FeedMessage> ask(ServerConnection& connection, const std::string& target);
  Result<FeedMessage> ask_once(ServerConnection& connection, const std::string& target);
  Result<FeedMessage> ask_snapshot(const std::string& cursor) override;
  Result<FeedMessage> ask_changes(const Question& question) override;
  void take_keys(const FeedKeys& keys) override;

  ServerConnection pages_;
  ServerConnection changes_;
  const core::ProviderSignature provider_;
  const core::ScopeCatalog catalog_;
  const Uuid deployment_;
  const Milliseconds staleness_max_;
  core::DigestKeys keys_;
  std::string key_names_;
  mutable Mutex mutex_;
  std::string problem_ LK_GUARDED_BY(mutex_);
};

}  // namespace latchkey::verify
