// The log: paging, waiting, and what the audit finds.
#include <thread>

#include "base/bytes.h"
#include "contract.h"
#include "store/event_rows.h"

namespace latchkey::store {
namespace {

class EventContract : public StoreContract {
 protected:
  using Clock = std::chrono::steady_clock;

  Result<void> append(int count) {
    for (int i = 0; i < count; ++i) {
      LK_CHECK(change([](WriteTx&) -> Result<void> { return {}; }));
    }
    return {};
  }
  // Changes the database behind the store's back.
  void tamper(const std::string& sql) { ASSERT_OK(run_past(sql)); }
  // Five events with contexts; the fourth makes the token that the fifth changes.
  void add_history() {
    add_owner();
    ASSERT_OK(append(2));
    token_ = make_token("build");
    ASSERT_OK(change([&](WriteTx& tx) { return put_token(tx, token_); }));
    token_.display_name = "deploy";
    token_.state = core::TokenState::revoked;
    ASSERT_OK(change([&](WriteTx& tx) { return replace_token(tx, token_); }));
    ASSERT_OK(append(1));
  }
  void expect_violation(const std::string& sql, std::string_view named) {
    SCOPED_TRACE(sql);
    tamper(sql);
    const auto report = audit();
    EXPECT_CODE(report, integrity_violated);
    EXPECT_NE(report.error().message.find(named), std::string::npos) << report.error().message;
  }

  core::Token token_;
};
LATCHKEY_CONTRACT(EventContract);

TEST_P(EventContract, TheConfirmedHeadHasWhatWasCommittedBefore) {
  ASSERT_OK(store().confirm_head());
  EXPECT_EQ(store().confirm_head()->revision.number, 0u);
  ASSERT_OK(append(3));
  const auto confirmed = store().confirm_head();
  ASSERT_OK(confirmed);
  EXPECT_EQ(confirmed->revision.number, 3u);
  EXPECT_EQ(confirmed->position(), store().head().position());
  EXPECT_EQ(confirmed->hash, store().head().hash);
}

TEST_P(EventContract, ReadsBackWhatWasAppended) {
  core::EventDraft made;
  made.action = core::Action::token_created;
  made.organization = new_id<core::OrganizationId>();
  made.actor = new_id<core::PersonId>();
  made.subjects = {{core::SubjectKind::token, new_id<core::TokenId>().uuid},
                   {core::SubjectKind::person, made.actor->uuid}};
  made.data = R"({"scope":"vso.code"})";
  const core::EventContext context{"192.0.2.1", "curl", "session", "id", R"({"DisplayName":"x"})"};
  ASSERT_OK(store().write([&](WriteTx& tx) -> Result<void> {
    LK_TRY(const core::Revision first, tx.append(made, context));
    LK_TRY(const core::Revision second, tx.append(draft(), {}));
    EXPECT_EQ(first.number, 1u);
    EXPECT_EQ(second.number, 2u);
    return {};
  }));
  const auto events = store().events({0}, 10, Milliseconds(0));
  ASSERT_OK(events);
  ASSERT_EQ(events->size(), 2u);
  const core::Event& event = events->front();
  EXPECT_EQ(event.draft.action, made.action);
  EXPECT_EQ(event.draft.organization, made.organization);
  EXPECT_EQ(event.draft.actor, made.actor);
  EXPECT_EQ(event.draft.subjects, made.subjects);
  EXPECT_EQ(event.draft.data, made.data);
  EXPECT_EQ(event.hash, core::event_hash(event));
  EXPECT_EQ(events->at(1).previous_hash, event.hash);
  EXPECT_EQ(store().head().hash, events->at(1).hash);
  const auto stored =
      read<std::optional<StoredContext>>([](ReadTx& tx) { return find_event_context(tx, {1}); });
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->context.address, "192.0.2.1");
  EXPECT_EQ(stored->context.names, context.names);
  EXPECT_EQ(core::context_digest(stored->context, stored->salt), event.context_digest);
}

TEST_P(EventContract, PagesInOrder) {
  ASSERT_OK(append(25));
  core::Revision after;
  for (const size_t expected : {10u, 10u, 5u, 0u}) {
    const auto page = store().events(after, 10, Milliseconds(0));
    ASSERT_OK(page);
    ASSERT_EQ(page->size(), expected);
    for (const core::Event& event : *page) {
      ASSERT_EQ(event.revision.number, after.number + 1);
      after = event.revision;
    }
  }
}

TEST_P(EventContract, WaitsForAnEventAndNoLonger) {
  const auto began = Clock::now();
  const auto none = store().events({0}, 1, Milliseconds(60));
  ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
  EXPECT_GE(Clock::now() - began, Milliseconds(60));

  std::jthread writer([&] {
    std::this_thread::sleep_for(Milliseconds(30));
    ASSERT_OK(append(1));
  });
  const auto waited = Clock::now();
  const auto one = store().events({0}, 1, std::chrono::seconds(30));
  ASSERT_OK(one);
  EXPECT_EQ(one->size(), 1u);
  EXPECT_LT(Clock::now() - waited, std::chrono::seconds(10));
}

TEST_P(EventContract, InterruptWakesWaitersForGood) {
  std::jthread stopper([&] {
    std::this_thread::sleep_for(Milliseconds(30));
    store().interrupt();
  });
  const auto began = Clock::now();
  ASSERT_OK(store().events({0}, 1, std::chrono::seconds(30)));
  ASSERT_OK(store().events({0}, 1, std::chrono::seconds(30)));
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(10));
  ASSERT_OK(append(1));
  const auto events = store().events({0}, 1, std::chrono::seconds(30));
  ASSERT_OK(events);
  EXPECT_EQ(events->size(), 1u);
}

TEST_P(EventContract, AuditHoldsOverManyPages) {
  add_history();
  ASSERT_OK(store().write([&](WriteTx& tx) -> Result<void> {
    for (int i = 0; i < 1'203; ++i) LK_CHECK(tx.append(draft(), {}));
    for (int i = 0; i < 600; ++i) LK_CHECK(put_token(tx, make_token("t")));
    return {};
  }));
  uint64_t reported = 0;
  const auto report = verify_audit(store(), [&](uint64_t done, uint64_t total) {
    EXPECT_GT(done, reported);
    reported = done;
    EXPECT_EQ(total, 1'209u);
  });
  ASSERT_OK(report);
  EXPECT_EQ(reported, 1'209u);
  EXPECT_EQ(report->events, 1'209u);
  EXPECT_EQ(report->tokens, 601u);
  EXPECT_EQ(report->contexts_erased, 0u);
}

TEST_P(EventContract, AnErasedContextLeavesTheChainWhole) {
  add_history();
  ASSERT_OK(change([](WriteTx& tx) { return erase_event_context(tx, {2}); }));
  EXPECT_FALSE(
      read<std::optional<StoredContext>>([](ReadTx& tx) { return find_event_context(tx, {2}); }));
  const auto report = audit();
  ASSERT_OK(report);
  EXPECT_EQ(report->contexts_erased, 1u);
  world_.reopen();
  ASSERT_OK(audit());
}

TEST_P(EventContract, AuditNamesWhatWasChangedInAnEvent) {
  add_history();
  ASSERT_OK(audit());
  for (const auto& [change_sql, undo_sql] : std::vector<std::pair<std::string, std::string>>{
           {"UPDATE events SET data = '{\"a\":1}' WHERE revision = 2",
            "UPDATE events SET data = '{}' WHERE revision = 2"},
           {"UPDATE events SET at = at + 1 WHERE revision = 2",
            "UPDATE events SET at = at - 1 WHERE revision = 2"},
           {"UPDATE events SET action = 'Person.CreateEvent' WHERE revision = 2",
            "UPDATE events SET action = 'Person.UpdateEvent' WHERE revision = 2"},
           {"UPDATE events SET subjects = 'person:00000000-0000-0000-0000-000000000000' "
            "WHERE revision = 2",
            "UPDATE events SET subjects = '' WHERE revision = 2"},
           {"UPDATE events SET actor_id = x'00112233445566778899aabbccddeeff' WHERE revision = 2",
            "UPDATE events SET actor_id = NULL WHERE revision = 2"},
           {"UPDATE event_contexts SET address = '192.0.2.1' WHERE revision = 2",
            "UPDATE event_contexts SET address = '' WHERE revision = 2"}}) {
    expect_violation(change_sql, "event 2:");
    tamper(undo_sql);
    ASSERT_OK(audit());
  }
}

// A text of SQL for the bytes `hex`, of the type `type`.
std::string literal(const std::string& type, const std::string& hex) {
  return type == "text" ? "CAST(x'" + hex + "' AS TEXT)" : "x'" + hex + "'";
}

// `hex` with the lowest bit of byte `place` turned over: ASCII stays ASCII.
std::string with_a_bit_turned(std::string hex, size_t place) {
  char& digit = hex[2 * place + 1];
  const int value = digit <= '9' ? digit - '0' : digit - 'A' + 10;
  digit = "0123456789ABCDEF"[value ^ 1];
  return hex;
}

TEST_P(EventContract, AuditFindsEveryByteThatWasChanged) {
  add_history();
  // Of the event that binds a token's row every byte, of the others three of each column.
  const auto try_all = [&](const std::string& table, const std::string& key,
                           const std::vector<std::string>& columns, bool every_byte) {
    for (const std::string& column : columns) {
      std::string type, hex;
      ASSERT_OK(store().read([&](ReadTx& tx) -> Result<void> {
        LK_CHECK(tx.connection().run(
            "SELECT typeof(" + column + "), hex(" + column + ") FROM " + table + " WHERE " + key,
            {}, [&](const Row& row) -> Result<void> {
              type = row.text(0);
              hex = row.text(1);
              return {};
            }));
        return {};
      }));
      const std::string set = "UPDATE " + table + " SET " + column + " = ";
      if (type == "integer" || type == "null") {
        const bool is_null = type == "null";
        expect_violation(set + (is_null ? "zeroblob(16)" : column + " + 1") + " WHERE " + key, "");
        tamper(set + (is_null ? "NULL" : column + " - 1") + " WHERE " + key);
        continue;
      }
      const size_t size = hex.size() / 2;
      for (size_t i = 0; i < size; ++i) {
        if (!every_byte && i != 0 && i != size / 2 && i != size - 1) continue;
        expect_violation(set + literal(type, with_a_bit_turned(hex, i)) + " WHERE " + key, "");
        tamper(set + literal(type, hex) + " WHERE " + key);
      }
    }
  };
  const std::vector<std::string> event{
      "at",   "organization_id", "actor_id",      "action", "subjects",
      "data", "context_digest",  "previous_hash", "hash"};
  const std::vector<std::string> context{"salt",      "address",        "user_agent",
                                         "mechanism", "correlation_id", "names"};
  const uint64_t last = store().head().revision.number;
  for (uint64_t revision = 1; revision <= last; ++revision) {
    const std::string key = "revision = " + std::to_string(revision);
    try_all("events", key, event, revision == 4);
    try_all("event_contexts", key, context, revision == 4);
  }
  ASSERT_OK(audit());
}

TEST_P(EventContract, AuditNamesAMissingOrMovedEvent) {
  add_history();
  tamper("DELETE FROM event_contexts WHERE revision IN (2, 3)");
  expect_violation(
      "UPDATE events SET revision = 1000 WHERE revision = 2;"
      "UPDATE events SET revision = 2 WHERE revision = 3;"
      "UPDATE events SET revision = 3 WHERE revision = 1000",
      "event 2:");
  tamper(
      "UPDATE events SET revision = 1000 WHERE revision = 2;"
      "UPDATE events SET revision = 2 WHERE revision = 3;"
      "UPDATE events SET revision = 3 WHERE revision = 1000");
  ASSERT_OK(audit());
  expect_violation("DELETE FROM events WHERE revision = 3", "event 3:");
}

// Who writes the database can give a changed event its own hash, not the next one its link.
TEST_P(EventContract, AuditNamesTheEventAfterOneThatWasReplaced) {
  add_history();
  core::Event event;
  ASSERT_OK(store().read([&](ReadTx& tx) -> Result<void> {
    LK_TRY(const auto events, list_events(tx.connection(), {1}, 1));
    event = events.at(0);
    return {};
  }));
  event.draft.data = R"({"a":1})";
  expect_violation("UPDATE events SET data = '" + event.draft.data + "', hash = x'" +
                       format_hex(core::event_hash(event)) + "' WHERE revision = 2",
                   "event 3: does not follow");
}

TEST_P(EventContract, AuditNamesACutTail) {
  add_history();
  expect_violation(
      "DELETE FROM event_contexts WHERE revision = 6;"
      "DELETE FROM events WHERE revision = 6",
      "event 6:");
  world_.close();
  EXPECT_CODE(world_.open(), integrity_violated);
}

TEST_P(EventContract, AuditFindsAHeadThatWasNotSigned) {
  add_history();
  expect_violation(
      "UPDATE log_head SET revision = 5, "
      "hash = (SELECT hash FROM events WHERE revision = 5)",
      "head");
  world_.close();
  EXPECT_CODE(world_.open(), integrity_violated);
}

TEST_P(EventContract, AuditNamesATokenRowThatWasChanged) {
  add_history();
  const std::string named = "token " + core::format_id(token_.id);
  for (const auto& [change_sql, undo_sql] : std::vector<std::pair<std::string, std::string>>{
           {"UPDATE tokens SET state = 1", "UPDATE tokens SET state = 2"},
           {"UPDATE tokens SET scope = 'app_token'", "UPDATE tokens SET scope = 'vso.code'"},
           {"UPDATE tokens SET valid_to = valid_to + 1",
            "UPDATE tokens SET valid_to = valid_to - 1"},
           {"UPDATE tokens SET generation = 2", "UPDATE tokens SET generation = 1"},
           {"UPDATE tokens SET revision = 6", "UPDATE tokens SET revision = 5"},
           {"UPDATE tokens SET revision = 4", "UPDATE tokens SET revision = 5"}}) {
    expect_violation(change_sql, named);
    tamper(undo_sql);
    ASSERT_OK(audit());
  }
}

TEST_P(EventContract, AuditNamesATokenRowThatWasPutBackOrRemoved) {
  add_owner();
  core::Token token = make_token("build");
  ASSERT_OK(change([&](WriteTx& tx) { return put_token(tx, token); }));
  tamper("CREATE TABLE kept AS SELECT * FROM tokens");
  token.state = core::TokenState::revoked;
  ASSERT_OK(change([&](WriteTx& tx) { return replace_token(tx, token); }));
  ASSERT_OK(audit());
  // The whole row of before, with a MAC that is right for it.
  const std::string named = "token " + core::format_id(token.id);
  expect_violation(
      "UPDATE tokens SET state = k.state, mac = k.mac, revision = k.revision "
      "FROM kept k",
      named + ": was put back");
  expect_violation("UPDATE tokens SET revision = 3", named);
  expect_violation("DELETE FROM token_uses; DELETE FROM tokens", named + ": is missing");
}

TEST_P(EventContract, RefusesAnotherRowKeyAndANewerSchema) {
  add_history();
  std::array<uint8_t, 32> other{};
  const core::RowKeys other_keys({{core::RowKeyId{1}, Hmac(SecretKey(other))}});
  world_.close();
  const auto open_with = [&](const core::RowKeys& keys) -> Result<void> {
    LK_TRY(auto driver, GetParam().open(world_.folder()));
    LK_CHECK(open_store(std::move(driver), {world_.clock(), world_.entropy(), world_.log(), keys}));
    return {};
  };
  EXPECT_CODE(open_with(other_keys), integrity_violated);
  ASSERT_OK(open_with(world_.row_keys()));
  ASSERT_OK(world_.open());
  tamper("UPDATE schema_version SET version = version + 1");
  world_.close();
  EXPECT_CODE(world_.open(), configuration);
}

TEST_P(EventContract, RefusesAnImpossibleRow) {
  add_history();
  tamper("UPDATE tokens SET mac = x'00'");
  EXPECT_CODE(store().read([&](ReadTx& tx) -> Result<void> {
    LK_CHECK(find_token(tx, token_.id));
    return {};
  }),
              integrity_violated);
}

}  // namespace
}  // namespace latchkey::store
