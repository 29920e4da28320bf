// Feeds an index from the store: rows for the snapshot, the event log for what changes.
//
// An event only says what it is about; the rows are read as they are now, so several events of one
// subject are one reload. A token row whose MAC is wrong never enters an index: it is left out, or
// taken out as revoked, logged with its id, and counted; the others go on.
// What makes it believe a database's answers is in log_follower.h.
// Thread safety: load() and follow() from one thread, tampered_tokens() from any.
// Spec: docs/spec/verification.md.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/log_follower.h"
#include "base/log.h"
#include "core/scope_catalog.h"
#include "store/store.h"
#include "store/token_rows.h"
#include "verify/feed.h"

namespace latchkey::app {

// The item of `row`, or nothing when it was changed by somebody without the row key.
std::optional<verify::TokenItem> token_item(store::ReadTx& tx, const core::ScopeCatalog& catalog,
                                            const store::TokenRow& row);
// As above, for who has found the closure of its scope (nothing: it has none).
std::optional<verify::TokenItem> token_item(store::ReadTx& tx,
                                            const std::optional<core::ScopeSet>& scopes,
                                            const store::TokenRow& row);
// The digest that the regeneration `event` replaced; nothing if its token is not there any more.
// Errors: integrity_violated (the event has another form).
Result<std::optional<verify::RetiredDigestItem>> retired_item(store::ReadTx& tx,
                                                              const core::Event& event);

struct StoreFeedDependencies {
  store::Store& store;
  const core::ScopeCatalog& catalog;
  Log& log;
  Clock& clock;
  // Takes the clients of a view: after an event about one, up to its revision; after a load, all.
  std::function<Result<void>(store::ReadTx&, std::optional<core::Revision>)> take_clients = {};
};

class StoreFeed final : public verify::Feed, private LogSource {
 public:
  explicit StoreFeed(const StoreFeedDependencies& dependencies)
      : dependencies_(dependencies), follower_(*this, dependencies.clock) {}

  Result<verify::Reached> load(const Sink& sink) override {
    // From here on the log counts as it is now, whatever was known of it.
    LK_CHECK(dependencies_.store.accept_log());
    return follower_.load(sink);
  }
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const Sink& sink) override {
    return follower_.follow(after, wait, sink);
  }
  // In the place of load(), for an index that holds all up to `from`, nothing beyond `through`, and
  // has `names` already. REQUIRES: this store's log goes on from both.
  void resume(const store::LogHead& from, const store::LogHead& through,
              const std::vector<verify::OrganizationItem>& names);
  // How many token rows were refused since start because their MAC was wrong.
  uint64_t tampered_tokens() const { return tampered_.load(); }

 private:
  struct Changes;
  Result<store::LogHead> confirm_head() override { return dependencies_.store.confirm_head(); }
  Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                          Milliseconds wait) override {
    return dependencies_.store.events(after, limit, wait);
  }
  Result<void> give_all(core::Revision known, const CheckView& check, const Sink& sink) override;
  Result<void> give_changes(const std::vector<core::Event>& events, const CheckView& check,
                            const Sink& sink) override;
  Changes collect(const std::vector<core::Event>& events) const;
  Result<void> load_organizations(store::ReadTx& tx, const Sink& sink);
  Result<void> load_memberships(store::ReadTx& tx, const Sink& sink);
  Result<void> load_retired(store::ReadTx& tx, const Sink& sink);
  Result<void> give_changes(store::ReadTx& tx, const Changes& changes, const Sink& sink);
  Result<void> give_organizations(store::ReadTx& tx, const Changes& changes, const Sink& sink);
  Result<void> give_memberships(store::ReadTx& tx, const Changes& changes, const Sink& sink);
  Result<void> give_token(store::ReadTx& tx, core::TokenId id, const Sink& sink);
  Result<void> give_retired(store::ReadTx& tx, const core::Event& event, const Sink& sink);
  // The item of `row`, or nothing when it was changed by somebody without the row key.
  std::optional<verify::TokenItem> check(store::ReadTx& tx, const store::TokenRow& row);
  void refuse(core::TokenId id);

  StoreFeedDependencies dependencies_;
  LogFollower follower_;
  // What each active organization is called in the index, so that a rename ends the old name.
  std::unordered_map<core::OrganizationId, std::string> name_keys_;
  std::atomic<uint64_t> tampered_{0};
};

}  // namespace latchkey::app
