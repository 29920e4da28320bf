#include <regex>

#include "contract.h"
#include "store/sqlite_driver.h"

namespace latchkey::store {
namespace {

// What the suite asks of a database in the words of SQLite.
constexpr const char* kFunctions = R"sql(
CREATE FUNCTION typeof(value anyelement) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN value IS NULL THEN 'null' WHEN pg_typeof(value) = 'bigint'::regtype
    THEN 'integer' WHEN pg_typeof(value) = 'bytea'::regtype THEN 'blob' ELSE 'text' END $$;
CREATE FUNCTION hex(value bytea) RETURNS text LANGUAGE sql AS $$
  SELECT upper(encode(value, 'hex')) $$;
CREATE FUNCTION hex(value text) RETURNS text LANGUAGE sql AS $$
  SELECT upper(encode(convert_to(value, 'UTF8'), 'hex')) $$;
CREATE FUNCTION hex(value bigint) RETURNS text LANGUAGE sql AS $$ SELECT '' $$;
)sql";

std::string replace_all(const std::string& text, const char* pattern, const char* with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

std::string postgres_words(const std::string& sql) {
  std::string text = replace_all(sql, "CAST\\(x'([0-9a-fA-F]*)' AS TEXT\\)",
                                 "convert_from('\\x$1'::bytea, 'UTF8')");
  text = replace_all(text, "x'([0-9a-fA-F]*)'", "'\\x$1'::bytea");
  text = replace_all(text, "zeroblob\\(([0-9]+)\\)", "decode(repeat('00', $1), 'hex')");
  return replace_all(text, "PRAGMA defer_foreign_keys = ON",
                     "SET LOCAL session_replication_role = replica");
}

Result<std::unique_ptr<Driver>> open_on_postgres(const std::string& folder) {
  static const bool is_prepared = (administrate(kFunctions), true);
  LK_ASSERT(is_prepared);
  return open_postgres_in(folder);
}

}  // namespace

const std::vector<Engine>& engines() {
  static const std::vector<Engine> all = {
      {"sqlite",
       [](const std::string& folder) {
         return open_sqlite(folder + "/latchkey.db", SqliteAccess::exclusive);
       },
       [](const std::string& sql) { return sql; }},
      {"postgres", open_on_postgres, postgres_words},
  };
  return all;
}

}  // namespace latchkey::store
