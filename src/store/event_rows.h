// Rows of the event log: events, their contexts, and the signed head.
//
// Events are only ever inserted, and only by the store itself. A context can be erased.
// Thread safety: as of the connection or transaction. Spec: docs/spec/event-log.md.
#pragma once

#include <optional>
#include <vector>

#include "core/event.h"
#include "store/store.h"

namespace latchkey::store {

struct StoredContext {
  core::Salt salt{};
  core::EventContext context;
};
// Nothing when it was erased.
Result<std::optional<StoredContext>> find_event_context(ReadTx& tx, core::Revision revision);
// Erases who did it from where and what things were called; the chain holds. In write() with an
// event that tells of it, or in write_aside().
Result<void> erase_event_context(WriteTx& tx, core::Revision revision);

// Events with a revision above `after`, oldest first, at most `limit`.
Result<std::vector<core::Event>> list_events(Connection& connection, core::Revision after,
                                             int limit);
// The same, of one action only. Cost: a scan of the log after `after` until `limit` are found, but
// for regenerations, which have an index.
Result<std::vector<core::Event>> list_events_of_action(Connection& connection, core::Action action,
                                                       core::Revision after, int limit);
// The last one, or nothing.
Result<std::optional<core::Event>> find_last_event(Connection& connection);
// A failure may show only with the next statement (Connection::run_later).
Result<void> insert_event(Connection& connection, const core::Event& event,
                          const StoredContext& context);

// The hash of one event, as stored; nothing if it is not there.
Result<std::optional<Digest>> find_event_hash(Connection& connection, core::Revision revision);
// That the log whose head is `head`, as `connection` reads it, has the event `known` at its place.
// Errors: feed_truncated (it is another log, or of another epoch); store_unavailable.
Result<void> check_continues(Connection& connection, const LogHead& known, const LogHead& head);

struct StoredHead {
  LogHead head;
  Digest signature{};
};
Result<std::optional<StoredHead>> find_head(Connection& connection);
Result<void> insert_head(Connection& connection, const StoredHead& stored);
Result<void> update_head(Connection& connection, const StoredHead& stored);
// `head` signed with the current row key.
StoredHead sign_head(const core::RowKeyView& keys, const LogHead& head);
// Whether the head is signed with the current row key, and not only with one that is here.
bool is_signed_now(const core::RowKeyView& keys, const StoredHead& stored);
// The head as stored. Errors: integrity_violated (missing, or signed with none of the row keys).
Result<LogHead> load_signed_head(Connection& connection, const core::RowKeyView& keys);
// The same of a schema of before epochs; its epoch is nil.
Result<LogHead> load_signed_head_without_epoch(Connection& connection,
                                               const core::RowKeyView& keys);

}  // namespace latchkey::store
