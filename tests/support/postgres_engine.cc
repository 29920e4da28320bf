#include "postgres_engine.h"

#include <deque>
#include <map>
#include <utility>

#include "base/assert.h"
#include "store/postgres_connection.h"

namespace latchkey::store {
namespace {

constexpr size_t kSchemasKept = 12;

// A schema of its own is a database to a store, and costs a tenth of one.
PostgresTarget target_of(const std::string& schema) {
  auto target = parse_postgres_target(test_cluster().target("postgres") +
                                      " options=-csearch_path=" + schema + ",public");
  LK_ASSERT(target);
  return *std::move(target);
}

std::string schema_of(const std::string& folder) {
  static std::map<std::string, std::string> schemas;
  static std::deque<std::string> kept;
  std::string& schema = schemas[folder];
  if (!schema.empty()) return schema;
  schema = "test_" + std::to_string(schemas.size());
  administrate("CREATE SCHEMA " + schema);
  kept.push_back(schema);
  if (kept.size() > kSchemasKept) {
    administrate("DROP SCHEMA " + kept.front() + " CASCADE");
    kept.pop_front();
  }
  return schema;
}

}  // namespace

PostgresCluster& test_cluster() {
  static PostgresCluster cluster;
  return cluster;
}

void administrate(const std::string& sql) {
  auto connection = PostgresConnection::open(target_of("public"), {}, true);
  LK_ASSERT(connection);
  LK_ASSERT((*connection)->run_script(sql));
}

PostgresTarget postgres_target_in(const std::string& folder) {
  return target_of(schema_of(folder));
}

Result<std::unique_ptr<Driver>> open_postgres_in(const std::string& folder, PostgresAccess access) {
  return open_postgres({postgres_target_in(folder), access, Uuid{}});
}

}  // namespace latchkey::store
