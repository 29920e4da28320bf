#include "store/postgres_hosts.h"

#include <gtest/gtest.h>

#include <memory>

namespace latchkey::store {
namespace {

std::string value(const PostgresHosts& hosts, std::string_view keyword) {
  for (const auto& [name, text] : hosts.parameters()) {
    if (name == keyword) return text;
  }
  return "";
}

PostgresTarget target_of(std::string_view url) {
  auto target = parse_postgres_target(url);
  EXPECT_TRUE(target);
  return std::move(*target);
}

TEST(PostgresHosts, TheOneThatCommittedLastIsTriedFirst) {
  const auto target = target_of("postgres://127.0.0.1:1,127.0.0.2:2,127.0.0.3:3/keys");
  PostgresHosts hosts(target);
  EXPECT_EQ(value(hosts, "host"), "127.0.0.1,127.0.0.2,127.0.0.3");
  hosts.note_commit({1, 0});
  EXPECT_EQ(value(hosts, "host"), "127.0.0.2,127.0.0.3,127.0.0.1");
  EXPECT_EQ(value(hosts, "port"), "2,3,1");
  EXPECT_EQ(value(hosts, "dbname"), "keys");
}

TEST(PostgresHosts, AfterAFailureTheNextIsTriedFirst) {
  const auto target = target_of("postgres://127.0.0.1:1,127.0.0.2:2/keys");
  PostgresHosts hosts(target);
  hosts.note_failure({0, 0});
  EXPECT_EQ(value(hosts, "port"), "2,1");
  hosts.note_failure({0, 0});  // of another session with the same host
  EXPECT_EQ(value(hosts, "port"), "2,1");
  hosts.note_failure({1, 0});
  EXPECT_EQ(value(hosts, "port"), "1,2");
}

TEST(PostgresHosts, ASessionIsReplacedWhenAnotherHostCommitted) {
  const auto target = target_of("postgres://127.0.0.1:1,127.0.0.2:2/keys");
  PostgresHosts hosts(target);
  const PostgresHosts::Mark old{0, 0};
  const PostgresHosts::Mark next{1, 0};
  hosts.note_failure(old);
  EXPECT_FALSE(hosts.is_replaced(old));
  EXPECT_FALSE(hosts.is_replaced(next));  // nobody committed there yet
  hosts.note_commit(next);
  EXPECT_TRUE(hosts.is_replaced(old));
  EXPECT_FALSE(hosts.is_replaced(next));
}

TEST(PostgresHosts, OnePortIsForAllAndOneHostIsNeverReplaced) {
  const auto several = target_of("postgres://127.0.0.1,127.0.0.2/keys?port=7");
  PostgresHosts hosts(several);
  hosts.note_failure({0, 0});
  EXPECT_EQ(value(hosts, "host"), "127.0.0.2,127.0.0.1");
  EXPECT_EQ(value(hosts, "port"), "7");
  const auto single = target_of("postgres://127.0.0.1/keys");
  PostgresHosts one(single);
  one.note_failure({0, 0});
  EXPECT_EQ(value(one, "host"), "127.0.0.1");
  EXPECT_FALSE(one.is_replaced({0, 0}));
}

// A session as `parameters` open it. Not connected yet, it names the host that it will try first.
PostgresHosts::Mark mark_of(const PostgresHosts& hosts, const char* parameters) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectStart(parameters), PQfinish);
  return hosts.mark(connection.get(), hosts.changes());
}

TEST(PostgresHosts, ASessionIsOfTheHostThatItSpeaksTo) {
  const auto ports = target_of("postgres://127.0.0.1:1,127.0.0.1:2/keys");
  EXPECT_EQ(mark_of(PostgresHosts(ports), "host=127.0.0.1 port=1 dbname=keys").host, 0U);
  EXPECT_EQ(mark_of(PostgresHosts(ports), "host=127.0.0.1 port=2 dbname=keys").host, 1U);
  const auto names = target_of("postgres://127.0.0.1,127.0.0.2,127.0.0.3/keys?port=1");
  EXPECT_EQ(mark_of(PostgresHosts(names), "host=127.0.0.2 port=1 dbname=keys").host, 1U);
}

TEST(PostgresHosts, ASessionThatWasBeingOpenedIsReplacedToo) {
  const auto target = target_of("postgres://127.0.0.1:1,127.0.0.1:2/keys");
  PostgresHosts hosts(target);
  const uint64_t before = hosts.changes();
  hosts.note_commit({1, before});
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(
      PQconnectStart("host=127.0.0.1 port=1 dbname=keys"), PQfinish);
  EXPECT_TRUE(hosts.is_replaced(hosts.mark(connection.get(), before)));
}

}  // namespace
}  // namespace latchkey::store
