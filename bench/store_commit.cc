// P5: durable creates a second (token row, event, context, head) by 64 writers at once, beside
// single-insert commits of the same engine on the same disk. Prints a line of bench/README.md.
//
// usage: store_commit [SECONDS [URL]]   (of each measurement; default 5)
//   On SQLite, on the disk of TMPDIR; or on the empty PostgreSQL database of URL.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "result.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/postgres_driver.h"
#include "store/sqlite_driver.h"
#include "store/test_store.h"
#include "store/token_rows.h"

namespace latchkey::store {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kWriters = 64;
constexpr int kRounds = 5;

// An engine, its goal, and how it opens the database of a folder.
struct Engine {
  std::string name;
  double goal = 0;
  const char* single;  // makes the table of single inserts
  DriverFactory open;
};

Engine sqlite() {
  return {"SQLite", 5,
          "CREATE TABLE IF NOT EXISTS single (id BLOB PRIMARY KEY, text TEXT) STRICT, "
          "WITHOUT ROWID",
          [](const std::string& folder) {
            return open_sqlite(folder + "/latchkey.db", SqliteAccess::exclusive);
          }};
}

Engine postgres(std::string url) {
  return {"PostgreSQL", 3, "CREATE TABLE IF NOT EXISTS single (id BYTEA PRIMARY KEY, text TEXT)",
          [url = std::move(url)](const std::string&) -> Result<std::unique_ptr<Driver>> {
            LK_TRY(auto target, parse_postgres_target(url));
            return open_postgres({std::move(target), PostgresAccess::shared, Uuid{}});
          }};
}

// One row of the size of a token's, one commit each, on a plain connection.
Result<double> measure_single_inserts(const Engine& engine, TestStore& world,
                                      std::chrono::duration<double> time) {
  const std::string folder = world.folder() + "/single";
  std::filesystem::create_directory(folder);
  LK_TRY(auto driver, engine.open(folder));
  LK_TRY(auto connection, driver->connect());
  LK_CHECK(connection->run_script(engine.single));
  const std::string text(250, 'x');
  int64_t count = 0;
  const auto began = Clock::now();
  while (Clock::now() - began < time) {
    LK_TRY(const Uuid id, make_uuid(world.entropy()));
    LK_CHECK(connection->run("INSERT INTO single VALUES ($1, $2)", {id.bytes, text}));
    ++count;
  }
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - began).count();
}

Result<void> create_token(TestStore& world, core::OrganizationId organization,
                          core::PersonId owner) {
  core::Token token;
  LK_TRY(token.id, core::make_id<core::TokenId>(world.entropy()));
  LK_CHECK(world.entropy().fill(token.digest));
  token.organization = organization;
  token.owner = owner;
  token.display_name = "build of " + core::format_id(token.id);
  token.scope = "vso.code vso.project";
  token.valid_from = world.clock().now();
  token.valid_to = token.valid_from + std::chrono::days(30);
  core::EventDraft draft;
  draft.organization = organization;
  draft.actor = owner;
  draft.subjects = {{core::SubjectKind::token, token.id.uuid}};
  draft.data = R"({"scope":"vso.code vso.project"})";
  const core::EventContext context{"192.0.2.1", "bench", "session", core::format_id(token.id),
                                   R"({"DisplayName":"build"})"};
  const auto committed = world.store().write([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_token(tx, token, core::token_row_mac(world.row_key(), token)));
    LK_CHECK(tx.append(draft, context));
    return {};
  });
  LK_CHECK(committed);
  return {};
}

double measure_creates(TestStore& world, core::OrganizationId organization, core::PersonId owner,
                       std::chrono::duration<double> time) {
  std::atomic<int64_t> count = 0;
  const auto began = Clock::now();
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&] {
        while (Clock::now() - began < time) {
          LK_ASSERT(create_token(world, organization, owner));
          ++count;
        }
      });
    }
  }
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - began).count();
}

Result<void> run(const Engine& engine, std::chrono::duration<double> time) {
  TestStore world(engine.open);
  core::Organization organization;
  LK_TRY(organization.id, core::make_id<core::OrganizationId>(world.entropy()));
  organization.name = "contoso";
  PersonRow person;
  LK_TRY(person.person.id, core::make_id<core::PersonId>(world.entropy()));
  person.person.email = "owner@example.com";
  const auto prepared = world.store().write([&](WriteTx& tx) -> Result<void> {
    LK_CHECK(insert_organization(tx, organization));
    LK_CHECK(insert_person(tx, person));
    LK_CHECK(tx.append({}, {}));
    return {};
  });
  LK_CHECK(prepared);
  std::vector<double> singles, all_creates, ratios;
  for (int round = 0; round < kRounds; ++round) {
    LK_TRY(const double single, measure_single_inserts(engine, world, time / kRounds));
    const double creates =
        measure_creates(world, organization.id, person.person.id, time / kRounds);
    std::fprintf(stderr, "single inserts %.0f/s, creates by %d writers %.0f/s, ratio %.2f\n",
                 single, kWriters, creates, creates / single);
    singles.push_back(single);
    all_creates.push_back(creates);
    ratios.push_back(creates / single);
  }
  bench::ResultLine("P5 durable creates, " + engine.name, bench::median(all_creates), "1/s")
      .reference("single-insert commits", bench::median(singles))
      .ratios(ratios)
      .goal_at_least(engine.goal)
      .print();
  return {};
}

}  // namespace
}  // namespace latchkey::store

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 5;
  const auto engine =
      count > 2 ? latchkey::store::postgres(arguments[2]) : latchkey::store::sqlite();
  const auto done = latchkey::store::run(engine, std::chrono::duration<double>(seconds));
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
