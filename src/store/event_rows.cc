#include "store/event_rows.h"

#include <array>

namespace latchkey::store {
namespace {

constexpr std::string_view kEventColumns =
    "revision, at, organization_id, actor_id, action, subjects, data, context_digest, "
    "previous_hash, hash";

core::Event read_event(const Row& row) {
  core::Event event;
  event.revision.number = static_cast<uint64_t>(row.integer(0));
  event.at = row.instant(1);
  event.draft.organization = row.optional_id<core::OrganizationId>(2);
  event.draft.actor = row.optional_id<core::PersonId>(3);
  const auto action = core::parse_action(row.text(4));
  auto subjects = core::parse_subjects(row.text(5));
  if (action && subjects) {
    event.draft.action = *action;
    event.draft.subjects = *std::move(subjects);
  } else {
    row.refuse();
  }
  event.draft.data = row.text(6);
  event.context_digest = row.bytes<32>(7);
  event.previous_hash = row.bytes<32>(8);
  event.hash = row.bytes<32>(9);
  return event;
}

StoredHead read_head(const Row& row) {
  StoredHead stored;
  stored.head.revision.number = static_cast<uint64_t>(row.integer(0));
  stored.head.hash = row.bytes<32>(1);
  stored.signature = row.bytes<32>(2);
  return stored;
}

Error head_missing() {
  return Error(ErrorCode::integrity_violated, "the head of the event log is missing");
}

Error not_signed(const core::RowKeyView& keys) {
  return Error(ErrorCode::integrity_violated,
               "the head of the event log is not signed with a row key that is here (" +
                   keys.numbers() + ")");
}

}  // namespace

Result<std::optional<StoredContext>> find_event_context(ReadTx& tx, core::Revision revision) {
  std::optional<StoredContext> found;
  LK_CHECK(tx.connection().run(
      "SELECT salt, address, user_agent, mechanism, correlation_id, names FROM event_contexts "
      "WHERE revision = $1",
      {revision.number}, [&](const Row& row) -> Result<void> {
        StoredContext& stored = found.emplace();
        stored.salt = row.bytes<16>(0);
        stored.context.address = row.text(1);
        stored.context.user_agent = row.text(2);
        stored.context.mechanism = row.text(3);
        stored.context.correlation_id = row.text(4);
        stored.context.names = row.text(5);
        return {};
      }));
  return found;
}

Result<void> erase_event_context(WriteTx& tx, core::Revision revision) {
  LK_CHECK(
      tx.connection().run("DELETE FROM event_contexts WHERE revision = $1", {revision.number}));
  return {};
}

Result<std::vector<core::Event>> list_events(Connection& connection, core::Revision after,
                                             int limit) {
  static const std::string sql = "SELECT " + std::string(kEventColumns) +
                                 " FROM events WHERE revision > $1 ORDER BY revision LIMIT $2";
  std::vector<core::Event> events;
  LK_CHECK(connection.run(sql, {after.number, limit}, [&](const Row& row) -> Result<void> {
    events.push_back(read_event(row));
    return {};
  }));
  return events;
}

Result<std::vector<core::Event>> list_events_of_action(Connection& connection, core::Action action,
                                                       core::Revision after, int limit) {
  // The name stands in the text, so that the engine sees which partial index is for it.
  const std::string sql = "SELECT " + std::string(kEventColumns) + " FROM events WHERE action = '" +
                          std::string(core::action_name(action)) +
                          "' AND revision > $1 ORDER BY revision LIMIT $2";
  std::vector<core::Event> events;
  LK_CHECK(connection.run(sql, {after.number, limit}, [&](const Row& row) -> Result<void> {
    events.push_back(read_event(row));
    return {};
  }));
  return events;
}

Result<std::optional<core::Event>> find_last_event(Connection& connection) {
  static const std::string sql =
      "SELECT " + std::string(kEventColumns) + " FROM events ORDER BY revision DESC LIMIT 1";
  std::optional<core::Event> last;
  LK_CHECK(connection.run(sql, {}, [&](const Row& row) -> Result<void> {
    last = read_event(row);
    return {};
  }));
  return last;
}

Result<void> insert_event(Connection& connection, const core::Event& event,
                          const StoredContext& context) {
  static const std::string sql = "INSERT INTO events (" + std::string(kEventColumns) +
                                 ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
  const std::string subjects = core::format_subjects(event.draft.subjects);
  LK_CHECK(connection.run_later(
      sql, {event.revision.number, event.at, event.draft.organization, event.draft.actor,
            core::action_name(event.draft.action), subjects, event.draft.data, event.context_digest,
            event.previous_hash, event.hash}));
  LK_CHECK(connection.run_later(
      "INSERT INTO event_contexts (revision, salt, address, user_agent, mechanism, "
      "correlation_id, names) VALUES ($1, $2, $3, $4, $5, $6, $7)",
      {event.revision.number, context.salt, context.context.address, context.context.user_agent,
       context.context.mechanism, context.context.correlation_id, context.context.names}));
  return {};
}

Result<std::optional<Digest>> find_event_hash(Connection& connection, core::Revision revision) {
  std::optional<Digest> found;
  LK_CHECK(connection.run("SELECT hash FROM events WHERE revision = $1", {revision.number},
                          [&](const Row& row) -> Result<void> {
                            found = row.bytes<32>(0);
                            return {};
                          }));
  return found;
}

Result<void> check_continues(Connection& connection, const LogHead& known, const LogHead& head) {
  const Error another(ErrorCode::feed_truncated,
                      "the event log does not go on from what this process knew");
  if (head.epoch != known.epoch || head.revision < known.revision) return another;
  if (head.revision == known.revision || known.revision.number == 0) {
    const bool is_same = head.revision != known.revision || head.hash == known.hash;
    return is_same ? Result<void>() : Result<void>(another);
  }
  LK_TRY(const auto hash, find_event_hash(connection, known.revision));
  return hash == known.hash ? Result<void>() : Result<void>(another);
}

Result<std::optional<StoredHead>> find_head(Connection& connection) {
  std::optional<StoredHead> found;
  LK_CHECK(connection.run("SELECT revision, hash, signature, epoch FROM log_head", {},
                          [&](const Row& row) -> Result<void> {
                            found = read_head(row);
                            found->head.epoch = row.id<core::Epoch>(3);
                            return {};
                          }));
  return found;
}

Result<void> insert_head(Connection& connection, const StoredHead& stored) {
  LK_CHECK(connection.run(
      "INSERT INTO log_head (only_row, revision, hash, signature, epoch) "
      "VALUES (1, $1, $2, $3, $4)",
      {stored.head.revision.number, stored.head.hash, stored.signature, stored.head.epoch}));
  return {};
}

Result<void> update_head(Connection& connection, const StoredHead& stored) {
  LK_TRY(const int64_t changed,
         connection.run(
             "UPDATE log_head SET revision = $1, hash = $2, signature = $3, epoch = $4",
             {stored.head.revision.number, stored.head.hash, stored.signature, stored.head.epoch}));
  LK_ASSERT(changed == 1);
  return {};
}

StoredHead sign_head(const core::RowKeyView& keys, const LogHead& head) {
  return {head, core::head_signature(keys.current(), head.position(), head.hash)};
}

bool is_signed_now(const core::RowKeyView& keys, const StoredHead& stored) {
  return keys.is_current(stored.signature, [&](const Hmac& key) {
    return core::head_signature(key, stored.head.position(), stored.head.hash);
  });
}

Result<LogHead> load_signed_head(Connection& connection, const core::RowKeyView& keys) {
  LK_TRY(const auto stored, find_head(connection));
  if (!stored) return head_missing();
  const bool is_ours = keys.verifies(stored->signature, [&](const Hmac& key) {
    return core::head_signature(key, stored->head.position(), stored->head.hash);
  });
  return is_ours ? Result<LogHead>(stored->head) : Result<LogHead>(not_signed(keys));
}

Result<LogHead> load_signed_head_without_epoch(Connection& connection,
                                               const core::RowKeyView& keys) {
  std::optional<StoredHead> stored;
  LK_CHECK(connection.run("SELECT revision, hash, signature FROM log_head", {},
                          [&](const Row& row) -> Result<void> {
                            stored = read_head(row);
                            return {};
                          }));
  if (!stored) return head_missing();
  const LogHead& head = stored->head;
  const bool is_ours = keys.verifies(stored->signature, [&](const Hmac& key) {
    return core::head_signature_without_epoch(key, head.revision, head.hash);
  });
  return is_ours ? Result<LogHead>(head) : Result<LogHead>(not_signed(keys));
}

}  // namespace latchkey::store
