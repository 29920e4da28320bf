// Writes: all or nothing, shared commits, revisions without gaps, failures at every call.
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "contract.h"
#include "store/event_rows.h"
#include "store/mail_rows.h"

namespace latchkey::store {
namespace {

class WriteContract : public StoreContract {};
LATCHKEY_CONTRACT(WriteContract);

TEST_P(WriteContract, LeavesNothingOfAFailedBody) {
  const auto outcome = store().write([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_person(tx, make_person("a@example.com")));
    LK_CHECK(tx.append(draft(), {}));
    return Error(ErrorCode::conflict, "no");
  });
  EXPECT_CODE(outcome, conflict);
  EXPECT_EQ(person_count(), 0u);
  EXPECT_EQ(store().head().revision.number, 0u);
  ASSERT_OK(change([&](WriteTx& tx) { return insert_person(tx, make_person("a@example.com")); }));
  EXPECT_EQ(person_count(), 1u);
  EXPECT_EQ(store().head().revision.number, 1u);
}

TEST_P(WriteContract, KeepsWhatWasAcknowledgedAcrossReopen) {
  ASSERT_OK(change([&](WriteTx& tx) { return insert_person(tx, make_person("a@example.com")); }));
  const LogHead head = store().head();
  world_.reopen();
  EXPECT_EQ(person_count(), 1u);
  EXPECT_EQ(store().head().revision, head.revision);
  EXPECT_EQ(store().head().hash, head.hash);
  ASSERT_OK(audit());
}

TEST_P(WriteContract, AnEpochBeginsWithAnEventAndIsSigned) {
  const core::Epoch first = store().head().epoch;
  EXPECT_FALSE(first.is_nil());
  const auto next = new_id<core::Epoch>();
  const auto begin = [&](WriteTx& tx) -> Result<void> {
    tx.begin_epoch(next);
    return {};
  };
  EXPECT_CODE(store().write(begin), internal);
  EXPECT_CODE(store().write_aside(begin), internal);
  EXPECT_EQ(store().head().epoch, first);
  ASSERT_OK(change(begin));
  EXPECT_EQ(store().head().epoch, next);
  EXPECT_EQ(store().head().revision.number, 1u);
  ASSERT_OK(change([](WriteTx&) -> Result<void> { return {}; }));
  world_.reopen();
  EXPECT_EQ(store().head().epoch, next);
  EXPECT_EQ(store().head().revision.number, 2u);
  ASSERT_OK(audit());
}

TEST_P(WriteContract, AnEpochThatWasNotSignedIsRefused) {
  ASSERT_OK(change([](WriteTx&) -> Result<void> { return {}; }));
  ASSERT_OK(run_past("UPDATE log_head SET epoch = zeroblob(16)"));
  EXPECT_CODE(change([](WriteTx&) -> Result<void> { return {}; }), integrity_violated);
  world_.close();
  EXPECT_CODE(world_.open(), integrity_violated);
}

TEST_P(WriteContract, RefusesAChangeWithoutAnEvent) {
  EXPECT_CODE(
      store().write([&](WriteTx& tx) { return insert_person(tx, make_person("a@example.com")); }),
      internal);
  EXPECT_EQ(person_count(), 0u);
}

TEST_P(WriteContract, LetsABodyFindNothingToDo) {
  const auto committed = store().write([](WriteTx&) -> Result<void> { return {}; });
  ASSERT_OK(committed);
  EXPECT_EQ(committed->revision.number, 0u);
}

TEST_P(WriteContract, AsideChangesSideTablesAndAppendsNothing) {
  ASSERT_OK(store().write_aside([](WriteTx& tx) { return save_cursor(tx, "mail", {7}); }));
  EXPECT_EQ(store().head().revision.number, 0u);
  EXPECT_EQ(read<core::Revision>([](ReadTx& tx) { return load_cursor(tx, "mail"); }).number, 7u);
  EXPECT_CODE(store().write_aside([](WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.append(draft(), {}));
    return {};
  }),
              internal);
  EXPECT_EQ(store().head().revision.number, 0u);
}

TEST_P(WriteContract, AsideCannotWriteATokenRow) {
  add_owner();
  EXPECT_CODE(store().write_aside([&](WriteTx& tx) { return put_token(tx, make_token("t")); }),
              internal);
  EXPECT_EQ(read<uint64_t>([](ReadTx& tx) { return count_tokens(tx); }), 0u);
}

TEST_P(WriteContract, ReadsCannotChangeAnything) {
  // An engine may refuse it at once, or take it back at the end.
  (void)store().read([](ReadTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run("INSERT INTO cursors (reader, revision) VALUES ('x', 1)"));
    return {};
  });
  EXPECT_EQ(read<core::Revision>([](ReadTx& tx) { return load_cursor(tx, "x"); }).number, 0u);
}

TEST_P(WriteContract, SeesItsOwnRowsAndOneTime) {
  const Instant now = world_.clock().now();
  ASSERT_OK(change([&](WriteTx& tx) -> Result<void> {
    EXPECT_EQ(tx.now(), now);
    LK_CHECK(insert_person(tx, make_person("a@example.com")));
    LK_TRY(const uint64_t count, count_people(tx));
    EXPECT_EQ(count, 1u);
    return {};
  }));
  const auto events = store().events({0}, 10, Milliseconds(0));
  ASSERT_OK(events);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->front().at, now);
}

TEST_P(WriteContract, SharesCommitsWithoutGapsOrLoss) {
  constexpr int kThreads = 16;
  constexpr int kWrites = 40;
  std::mutex mutex;
  std::set<uint64_t> acknowledged;
  std::set<std::string> written;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kWrites; ++i) {
          const std::string email =
              "p" + std::to_string(thread) + "." + std::to_string(i) + "@example.com";
          uint64_t own = 0;
          const PersonRow person = make_person(email);
          const auto committed = store().write([&](WriteTx& tx) -> Result<void> {
            LK_CHECK(insert_person(tx, person));
            LK_TRY(const core::Revision revision, tx.append(draft(), {}));
            own = revision.number;
            // Every fifth fails after it did its work; the others of its group must not care.
            if (i % 5 == 4) return Error(ErrorCode::conflict, "on purpose");
            return {};
          });
          ASSERT_EQ(committed.has_value(), i % 5 != 4);
          if (!committed) continue;
          EXPECT_GE(committed->revision.number, own);
          EXPECT_GE(store().head().revision.number, own);
          const std::lock_guard lock(mutex);
          EXPECT_TRUE(acknowledged.insert(own).second) << "two writes got one revision";
          written.insert(email);
        }
      });
    }
  }
  world_.reopen();
  EXPECT_EQ(acknowledged.size(), size_t{kThreads * kWrites * 4 / 5});
  EXPECT_EQ(*acknowledged.rbegin(), acknowledged.size());
  EXPECT_EQ(store().head().revision.number, acknowledged.size());
  const auto people =
      read<std::vector<PersonRow>>([](ReadTx& tx) { return list_people(tx, "", 10'000); });
  EXPECT_EQ(people.size(), written.size());
  for (const PersonRow& row : people) EXPECT_TRUE(written.contains(row.person.email));
  const auto report = audit();
  ASSERT_OK(report);
  EXPECT_EQ(report->events, acknowledged.size());
}

TEST_P(WriteContract, GroupsWhatWaits) {
  // While the first body runs, the others queue up; then one transaction takes them all.
  constexpr int kOthers = 8;
  std::atomic<bool> first_runs = false;
  std::atomic<int> started = 0;
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    ASSERT_OK(store().write([&](WriteTx& tx) -> Result<void> {
      first_runs = true;
      while (started < kOthers) std::this_thread::yield();
      std::this_thread::sleep_for(Milliseconds(50));
      LK_CHECK(tx.append(draft(), {}));
      return {};
    }));
  });
  std::vector<uint64_t> revisions(kOthers);
  for (int i = 0; i < kOthers; ++i) {
    threads.emplace_back([&, i] {
      while (!first_runs) std::this_thread::yield();
      ++started;
      const auto committed = change([](WriteTx&) -> Result<void> { return {}; });
      ASSERT_OK(committed);
      revisions[static_cast<size_t>(i)] = committed->revision.number;
    });
  }
  threads.clear();
  EXPECT_EQ(store().head().revision.number, 1u + kOthers);
  // Each was told the last revision of its commit: the same for all.
  EXPECT_EQ(std::set<uint64_t>(revisions.begin(), revisions.end()).size(), 1u);
}

// One lifecycle that touches rows, events and the head.
Result<Committed> make_person_with_organization(Store& store, const PersonRow& person,
                                                const core::Organization& organization) {
  return store.write([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_person(tx, person));
    LK_CHECK(insert_organization(tx, organization));
    LK_CHECK(
        upsert_membership(tx, {organization.id, person.person.id, core::Role::owner, tx.now()}));
    core::EventDraft made;
    made.action = core::Action::organization_created;
    made.organization = organization.id;
    LK_CHECK(tx.append(made, {}));
    return {};
  });
}

TEST_P(WriteContract, IsBeforeOrAfterWhereverTheEngineFails) {
  for (const auto moment : {Fault::Moment::before, Fault::Moment::after}) {
    for (const int64_t times : {1, 2, 1'000}) {
      int64_t nth = 1;
      for (bool reached_end = false; !reached_end; ++nth) {
        ASSERT_LT(nth, 200);
        SCOPED_TRACE(std::to_string(nth) + " x " + std::to_string(times));
        const std::string name = "o" + std::to_string(static_cast<int>(moment)) + "-" +
                                 std::to_string(times) + "-" + std::to_string(nth);
        const uint64_t people_before = person_count();
        const uint64_t revision_before = store().head().revision.number;
        const int64_t calls_before = world_.fault().calls();
        world_.fault().arm(nth, times, moment);
        const auto committed = make_person_with_organization(
            store(), make_person(name + "@example.com"), make_organization(name));
        reached_end = world_.fault().calls() < calls_before + nth;
        world_.fault().disarm();
        // A store is opened again, as after a crash, and says the same.
        if (nth % 4 == 0) world_.reopen();
        const bool is_there = person_count() == people_before + 1;
        const bool has_organization = read<std::optional<core::Organization>>([&](ReadTx& tx) {
                                        return find_organization_by_key(tx, name);
                                      }).has_value();
        EXPECT_EQ(is_there, has_organization);
        // Only an engine that commits, fails, and can then not be asked leaves its caller unsure.
        const bool may_be_unsure = moment == Fault::Moment::after && times > 1;
        EXPECT_TRUE(committed.has_value() == is_there || (may_be_unsure && is_there));
        // Another error would mean that the body ran once more on top of itself.
        if (!committed) {
          EXPECT_EQ(committed.error().code, ErrorCode::store_unavailable);
        }
        ASSERT_OK(change([](WriteTx&) -> Result<void> { return {}; }));
        EXPECT_EQ(store().head().revision.number, revision_before + (is_there ? 2 : 1));
        EXPECT_TRUE(!reached_end || committed);
      }
      ASSERT_OK(audit());
      ASSERT_OK(change([](WriteTx&) -> Result<void> { return {}; }));
    }
  }
}

TEST_P(WriteContract, RetriesASharedCommitAloneAndKeepsTheOthers) {
  constexpr int kThreads = 8;
  for (int64_t nth = 1; nth <= 60; nth += 3) {
    const uint64_t before = store().head().revision.number;
    std::atomic<uint64_t> succeeded = 0;
    world_.fault().arm(nth, 2);
    {
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&] {
          if (change([&](WriteTx& tx) {
                return insert_person(tx, make_person(format_hex(new_digest())));
              })) {
            ++succeeded;
          }
        });
      }
    }
    world_.fault().disarm();
    EXPECT_EQ(store().head().revision.number, before + succeeded) << nth;
    EXPECT_EQ(person_count(), store().head().revision.number) << nth;
  }
  ASSERT_OK(audit());
}

TEST_P(WriteContract, RefusesToGoOnAfterTheHeadWasChanged) {
  ASSERT_OK(change([](WriteTx&) -> Result<void> { return {}; }));
  ASSERT_OK(store().write_aside([](WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.connection().run("UPDATE log_head SET revision = 5"));
    return {};
  }));
  EXPECT_CODE(change([](WriteTx&) -> Result<void> { return {}; }), integrity_violated);
  world_.close();
  EXPECT_CODE(world_.open(), integrity_violated);
}

}  // namespace
}  // namespace latchkey::store
