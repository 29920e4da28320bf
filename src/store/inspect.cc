#include "store/inspect.h"

#include "store/event_rows.h"

namespace latchkey::store {
namespace {

constexpr int kPageRows = 500;

}  // namespace

std::optional<int64_t> find_schema_version(Connection& connection) {
  std::optional<int64_t> version;
  const auto found =
      connection.run("SELECT version FROM schema_version", {}, [&](const Row& row) -> Result<void> {
        version = row.integer(0);
        return {};
      });
  return found ? version : std::nullopt;
}

Result<LogHead> check_head(Connection& connection, int64_t schema_version,
                           const core::RowKeyView& row_keys) {
  LK_TRY(const LogHead head, schema_version < kEpochSchema
                                 ? load_signed_head_without_epoch(connection, row_keys)
                                 : load_signed_head(connection, row_keys));
  LK_TRY(const auto last, find_last_event(connection));
  const LogHead expected = last ? LogHead{last->revision, last->hash, {}} : LogHead{};
  if (head.revision != expected.revision || head.hash != expected.hash) {
    return Error(ErrorCode::integrity_violated, "the last event is not the head of the event log");
  }
  return head;
}

Result<void> read_log_after(Connection& connection, const core::RowKeyView& row_keys,
                            const LogHead& head,
                            const std::function<Result<void>(const core::Event&)>& on_event) {
  const auto version = find_schema_version(connection);
  if (!version) return Error(ErrorCode::configuration, "it is no database of Latchkey");
  LK_TRY(const LogHead end, check_head(connection, *version, row_keys));
  const Error another(ErrorCode::conflict, "it does not go on from the backup");
  if (end.revision < head.revision) return another;
  LogHead last;
  if (head.revision.number > 0) {
    LK_TRY(const auto found, list_events(connection, {head.revision.number - 1}, 1));
    if (found.empty() || core::event_hash(found.front()) != head.hash) return another;
    last = {found.front().revision, head.hash, {}};
  }
  while (last.revision < end.revision) {
    LK_TRY(const auto events, list_events(connection, last.revision, kPageRows));
    for (const core::Event& event : events) {
      const bool follows =
          event.revision.number == last.revision.number + 1 && event.previous_hash == last.hash;
      if (!follows || core::event_hash(event) != event.hash) {
        return Error(ErrorCode::integrity_violated,
                     "event " + std::to_string(event.revision.number) + " was changed");
      }
      LK_CHECK(on_event(event));
      last = {event.revision, event.hash, {}};
    }
    if (events.empty()) return Error(ErrorCode::integrity_violated, "its end is missing");
  }
  if (last.hash != end.hash) return another;
  return {};
}

Result<DatabaseFacts> inspect_database(Driver& driver, const core::RowKeyView& row_keys) {
  LK_TRY(const auto connection, driver.connect());
  const auto version = find_schema_version(*connection);
  if (!version) return Error(ErrorCode::configuration, "this is no database of Latchkey");
  if (*version > static_cast<int64_t>(driver.migrations().size())) {
    return Error(ErrorCode::configuration, "the database was written by a newer version");
  }
  DatabaseFacts facts;
  facts.schema_version = *version;
  LK_TRY(facts.head, check_head(*connection, *version, row_keys));
  LK_CHECK(connection->run("SELECT DISTINCT key_id FROM tokens WHERE state = 1 ORDER BY key_id", {},
                           [&](const Row& row) -> Result<void> {
                             facts.digest_keys.emplace_back(row.text(0));
                             return {};
                           }));
  return facts;
}

}  // namespace latchkey::store
