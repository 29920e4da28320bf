#include "store/migrations_postgres.h"

#include <string>
#include <utility>
#include <vector>

#include "store/migrations_sqlite.h"

namespace latchkey::store {
namespace {

// The dialects differ in these words alone. Every text is compared byte by byte, as SQLite does.
constexpr std::pair<std::string_view, std::string_view> kWords[] = {
    {") STRICT, WITHOUT ROWID;", ");"},
    {") STRICT;", ");"},
    {" INTEGER", " BIGINT"},
    {" BLOB", " BYTEA"},
    {" TEXT", " TEXT COLLATE \"C\""},
    {" DEFAULT x'", " DEFAULT '\\x"},
};

// What one process on SQLite has no use for. Rows that are written all the time get room on their
// page, so that a new version takes the place of an old one.
constexpr std::string_view kShared = R"sql(
ALTER TABLE log_head SET (fillfactor = 10);
CREATE TABLE node_heartbeats (
  node_id BYTEA PRIMARY KEY,
  beaten_at BIGINT NOT NULL
) WITH (fillfactor = 10);
)sql";

std::string to_postgres(std::string_view step) {
  std::string text(step);
  for (const auto& [from, to] : kWords) {
    for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

std::vector<std::string> translate() {
  std::vector<std::string> steps;
  for (const std::string_view step : sqlite_migrations()) steps.push_back(to_postgres(step));
  steps.front() += kShared;
  return steps;
}

}  // namespace

std::span<const std::string_view> postgres_migrations() {
  static const std::vector<std::string> texts = translate();
  static const std::vector<std::string_view> steps(texts.begin(), texts.end());
  return steps;
}

}  // namespace latchkey::store
