// What an engine adds when several processes write one database at the same time.
//
// Each write transaction locks the head of the log first, so that writes are one after the other
// whoever makes them, and what a body read still holds when it writes. Who waits for changes
// listens; who must know that it still speaks to the engine that commits, commits a heartbeat.
// Thread safety: the engine any thread, a Listener one thread but for wake().
// Spec: docs/spec/store.md, "Many processes".
#pragma once

#include <memory>
#include <string_view>

#include "store/driver.h"

namespace latchkey::store {

class Listener {
 public:
  virtual ~Listener() = default;
  // Waits up to `wait` for a change that another process commits, or for wake().
  // Errors: store_unavailable (the connection broke: this listener hears nothing any more).
  virtual Result<void> wait(Milliseconds wait) = 0;
  // Ends a wait, or the next one. From any thread.
  virtual void wake() = 0;
  // The connection that it hears on, for reading between two waits.
  virtual Connection& connection() = 0;
};

class SharedEngine {
 public:
  virtual ~SharedEngine() = default;
  // The first statement of each write transaction. It waits until no other one holds the head; its
  // row's first column is 0, or 1 while an offline tool has the database for itself.
  virtual std::string_view lock_head() const = 0;
  // The first statement of a transaction that changes the schema; others wait for its end.
  virtual std::string_view lock_schema() const = 0;
  // The statement that wakes the listeners of all processes when the transaction commits.
  virtual std::string_view announce() const = 0;
  // A connection of which every wait is short: for heartbeats.
  virtual Result<std::unique_ptr<Connection>> connect_briefly() = 0;
  // Commits a row of this process, durably. Errors: store_unavailable (the engine cannot commit).
  virtual Result<void> beat(Connection& connection) = 0;
  // How many other processes committed a heartbeat in the last ten seconds. Errors:
  // store_unavailable.
  virtual Result<uint64_t> count_others(Connection& connection) = 0;
  // A listener, which also keeps offline tools out while it lives.
  // Errors: store_unavailable; conflict (an offline tool has the database for itself).
  virtual Result<std::unique_ptr<Listener>> listen() = 0;
};

}  // namespace latchkey::store
