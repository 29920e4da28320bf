// Runs waiting writes in shared transactions, and signs the head at each commit.
//
// A commit that fails is looked up in the head: it counts as what it was. Each body runs in a
// savepoint of its own, so that one that fails takes only its own changes and events with it. If
// the shared transaction fails, nothing of it was changed, and each body is tried once more alone.
// Thread safety: one thread at a time. Why: docs/decisions/0003-group-commit.md.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "store/store.h"

namespace latchkey::store {

// Whether a body changes the state and so must append events, or only side tables.
enum class WriteKind { state, aside };

// One body and, when it ran, its outcome.
struct WriteItem {
  const WriteBody& body;
  WriteKind kind;
  std::optional<Result<void>> outcome = std::nullopt;
};

class GroupWriter {
 public:
  // REQUIRES: `driver` outlives the writer.
  GroupWriter(Driver& driver, const StoreDependencies& dependencies)
      : driver_(driver), dependencies_(dependencies) {}

  // Runs `items` and sets their outcomes; an outcome is set only when it is durable. Returns the
  // log's head afterwards. `known` is the head that the caller knows.
  LogHead write(std::span<WriteItem* const> items, const LogHead& known);

 private:
  Result<LogHead> write_alone(WriteItem& item, const LogHead& known);
  Result<LogHead> write_together(std::span<WriteItem* const> items, const LogHead& known);
  Result<LogHead> write_in_transaction(std::span<WriteItem* const> items, const LogHead& known);
  Result<void> begin();
  Result<void> write_item(WriteItem& item, Instant now, LogHead& head);
  Result<LogHead> load_head(const LogHead& known);
  // Success when the transaction from `before` to `attempted` was committed all the same.
  Result<void> find_out(const LogHead& before, const LogHead& attempted);
  Result<void> connect();
  // Before the first write: what was recovered is made durable, so that nothing stands on it that
  // its loss would take along.
  Result<void> settle();
  // Ends what may be left of a transaction.
  void roll_back();

  Driver& driver_;
  const StoreDependencies dependencies_;
  std::unique_ptr<Connection> connection_;  // null: not yet open, or it broke
  // A commit failed and the engine could not be asked what became of it.
  bool outcome_unknown_ = false;
  bool settled_ = false;
  bool cannot_connect_ = false;  // as the last transaction learned
  bool had_conflict_ = false;    // so the last transaction failed
};

}  // namespace latchkey::store
