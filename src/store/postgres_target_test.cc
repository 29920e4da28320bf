#include "store/postgres_target.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace latchkey::store {
namespace {

std::string value(const PostgresTarget& target, std::string_view keyword) {
  for (const auto& [name, text] : target.parameters) {
    if (name == keyword) return text;
  }
  return "";
}

TEST(PostgresTarget, ReadsAUrlAndKeepsThePasswordApart) {
  const auto target = parse_postgres_target("postgres://ada:p%40ss%2F@db.example:5433/keys");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->name, "postgres://ada@db.example:5433/keys");
  EXPECT_EQ(target->password.reveal(RevealSecret{}), "p@ss/");
  EXPECT_EQ(value(*target, "user"), "ada");
  EXPECT_EQ(value(*target, "password"), "");
}

TEST(PostgresTarget, ReadsKeywords) {
  const auto target = parse_postgres_target("host=/run/db dbname=keys password=secret");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->name, "postgres:///run/db/keys");
  EXPECT_EQ(target->password.reveal(RevealSecret{}), "secret");
}

TEST(PostgresTarget, AnotherMachineMustProveWhoItIs) {
  ASSERT_EQ(std::getenv("PGSSLMODE"), nullptr);
  const std::pair<const char*, const char*> cases[] = {
      {"postgres://db.example/keys", "verify-full"},
      {"postgres://a@localhost,db.example/keys", "verify-full"},
      {"postgres://localhost/keys?hostaddr=192.0.2.1", "verify-full"},
      {"postgres://db.example/keys?sslmode=require", "require"},
      {"postgres://localhost/keys", ""},
      {"postgres://127.0.0.1,127.0.0.2/keys", ""},
      {"postgres://[::1]/keys", ""},
      {"postgres:///keys?host=/run/postgresql", ""},
  };
  for (const auto& [text, mode] : cases) {
    const auto target = parse_postgres_target(text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(value(*target, "sslmode"), mode) << text;
  }
}

TEST(PostgresTarget, RefusesWithoutRepeatingWhatMayBeAPassword) {
  const char* const cases[] = {
      "",
      "keys",
      "mysql://ada:hunter2@db/keys",
      "postgres://ada:hunter2@x@db/keys",
      "postgres://ada:hunter2/x@db/keys",
      "postgres://ada:hunter2@db:port/keys",
      "postgres://ada:hunter2/keys",
      "postgres://ada:hunter2@db/keys?nonsense=hunter2",
      "postgres://ada:hunter2@db",
      "host=db password=hunter2",
      "host=db dbname=x password='hunter2",
      "host=db dbname=x sslpassword=hunter2",
      "postgres://ada:hunter2%@db/keys",
  };
  for (const char* const text : cases) {
    const auto target = parse_postgres_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().code, ErrorCode::configuration);
    EXPECT_EQ(target.error().message.find("hunter2"), std::string::npos) << target.error().message;
    EXPECT_EQ(describe_postgres_target(text), "(unreadable)");
  }
  EXPECT_FALSE(parse_postgres_target("postgres://db/" + std::string(5000, 'x')));
}

}  // namespace
}  // namespace latchkey::store
