// The durable state: rows, and the event log that every change appends to.
//
// A read sees one consistent state. A write is a function: it commits if the function succeeds and
// leaves nothing if it does not; several waiting writes share one commit. Every write that changes
// state appends at least one event in the same transaction; the log's head is signed at each
// commit. Revision order is commit order, without gaps.
// Thread safety: any thread. Spec: docs/spec/store.md, docs/spec/event-log.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/result.h"
#include "core/event.h"
#include "core/row_keys.h"
#include "store/driver.h"

namespace latchkey::store {

// A consistent view. Rows are read by the functions of the *_rows.h files.
class ReadTx {
 public:
  ReadTx(Connection& connection, const core::RowKeys& row_keys, Log& log)
      : connection_(connection), row_keys_(row_keys), log_(log) {}
  virtual ~ReadTx() = default;
  ReadTx(const ReadTx&) = delete;
  ReadTx& operator=(const ReadTx&) = delete;
  Connection& connection() { return connection_; }
  // What signs rows: the current key, and those that a row may have been signed with.
  const Hmac& row_key() const { return row_keys_.current(); }
  const core::RowKeyView& row_keys() const { return row_keys_; }
  // Where the *_rows.cc files report a row that is not ours.
  Log& log() { return log_; }

 private:
  Connection& connection_;
  const core::RowKeyView row_keys_;
  Log& log_;
};

// A transaction that changes rows and appends events.
class WriteTx : public ReadTx {
 public:
  using ReadTx::ReadTx;
  // Appends an event with `draft` and `context` at the log's head. Returns its revision.
  virtual Result<core::Revision> append(const core::EventDraft& draft,
                                        const core::EventContext& context) = 0;
  // The time of this transaction: the same for all its rows and events.
  virtual Instant now() const = 0;
  // Binds the row of `token` to the log: its MAC is added to the data of this transaction's first
  // event, whose revision is returned. For insert_token and update_token only.
  virtual core::Revision bind_row(core::TokenId token, const Digest& mac) = 0;
  // From this transaction on revisions count in `epoch`. For a restore only, while no index of
  // this store is fed. REQUIRES: this transaction appends an event.
  virtual void begin_epoch(core::Epoch epoch) = 0;
};

using ReadBody = std::function<Result<void>(ReadTx&)>;
using WriteBody = std::function<Result<void>(WriteTx&)>;

// A write's outcome: the revision of the last event committed with it (its own, or a later one of
// the same commit). An index that has it has the change.
struct Committed {
  core::Revision revision;
};

struct LogHead {
  core::Revision revision;
  Digest hash{};
  core::Epoch epoch{};
  core::Position position() const { return {epoch, revision}; }
};

class Store {
 public:
  virtual ~Store() = default;

  // Errors: those of `body`; store_unavailable. REQUIRES: not called from inside a body.
  virtual Result<void> read(const ReadBody& body) = 0;
  // Runs `body` in one transaction; `body` may run more than once (a failed shared commit is
  // retried alone), so it must not change anything but the transaction and what it assigns anew.
  // Errors: those of `body`; store_unavailable (nothing was changed, unless the engine failed at
  //         the commit and then could not be asked: the next write learns what became of it);
  //         overloaded (too many wait); integrity_violated (the head in the database is not the
  //         one that we signed); internal (`body` changed rows and appended no event).
  // REQUIRES: not called from inside a body.
  virtual Result<Committed> write(const WriteBody& body) = 0;
  // As write, for side tables that are no state (last use, mail, cursors): appends no event.
  // Errors: as write; internal (`body` appended an event or wrote a token).
  virtual Result<void> write_aside(const WriteBody& body) = 0;

  // Whether a sync failed, so that every write answers store_unavailable until the process was
  // started again (rule S32).
  virtual bool needs_restart() const = 0;
  // The last committed event that this process knows of.
  virtual LogHead head() const = 0;
  // The log's head as the database has it at some moment after the call began, from an engine that
  // nobody else can have taken over before it. On SQLite that is head(): the lock makes this
  // process the only writer, also when a sync failed (rule S32: reads go on).
  // Errors: store_unavailable; feed_truncated (the log is not a continuation of what this process
  //         knew, so what was built from it must be loaded anew).
  virtual Result<LogHead> confirm_head() = 0;
  // Takes the log as the database has it from now on, and returns its head: for who is about to
  // load anew all that was built from it. If it does not go on from what was known, within one
  // epoch, then revisions have got another meaning, and a new epoch is begun so that every index
  // of every node and gate is loaded anew. Errors: as write().
  virtual Result<LogHead> accept_log() = 0;
  // Events with a revision above `after`, oldest first, at most `limit` (and 1,000); waits up to
  // `wait` (and a minute) for one, on the machine's clock. Errors: store_unavailable.
  virtual Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                                  Milliseconds wait) = 0;
  // As Driver::copy_to.
  virtual Result<void> copy_to(const std::string& path, const CopyProgress& on_progress) = 0;
  // How many other processes serve from this database, as their heartbeats of the last ten seconds
  // tell; 0 for an engine that only one may write. Errors: store_unavailable.
  virtual Result<uint64_t> other_nodes() = 0;
  // Wakes every waiter of events(), for a prompt stop. Later calls do not wait.
  virtual void interrupt() = 0;
};

// All must outlive the store.
struct StoreDependencies {
  Clock& clock;
  Entropy& entropy;
  Log& log;
  const core::RowKeys& row_keys;  // sign the head of the log, and rows
};

// Opens the database of `driver`: applies missing migrations and checks the signature of the head.
// Errors: store_unavailable; integrity_violated (the head is not signed with a row key that is
//         here, or is not the last event); configuration (the schema is newer than this program).
Result<std::unique_ptr<Store>> open_store(std::unique_ptr<Driver> driver,
                                          const StoreDependencies& dependencies);

// Walks the whole log in pages and checks rule E16 of docs/spec/event-log.md: order, hashes,
// context digests, the head's signature, every token row's MAC and place in the log, and the MACs
// of people, organizations, memberships, sessions and links. What is appended meanwhile is not
// looked at. `on_progress` (may be empty) gets (done, total) of the events. Errors:
// integrity_violated (the message names the revision or the row); store_unavailable.
struct AuditReport {
  uint64_t events = 0;
  uint64_t tokens = 0;
  uint64_t contexts_erased = 0;
};
Result<AuditReport> verify_audit(Store& store,
                                 const std::function<void(uint64_t, uint64_t)>& on_progress);

// Checks rule E18: people, organizations and memberships are in the state that the log's events
// gave them, and there are no others. REQUIRES: verify_audit() found the log itself to hold.
// Errors: integrity_violated (the message names the row); store_unavailable.
// Cost: walks the log; keeps one entry a row in memory.
Result<void> verify_rights(Store& store);

}  // namespace latchkey::store
