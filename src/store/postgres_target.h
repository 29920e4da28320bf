// Where a PostgreSQL database is: a URL or libpq's keywords, read strictly.
//
// The password is kept apart from the rest, and no message here has a part of a text that could be
// one. https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING
// Thread safety: values. Documented in docs/operating/postgresql.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace latchkey::store {

struct PostgresTarget {
  std::vector<std::pair<std::string, std::string>> parameters;  // libpq's, without the password
  SecretText password;                                          // empty: none was given
  std::string name;  // "postgres://user@host:5432/database", for people

  PostgresTarget clone() const { return {parameters, password.clone(), name}; }
};

// "postgres://user:password@host:5432/database?sslmode=verify-full", or "host=... dbname=...".
// Where nothing is said about TLS and the host is not this machine, the server must prove who it is
// (sslmode=verify-full). Errors: configuration (says the rule, never the text).
Result<PostgresTarget> parse_postgres_target(std::string_view text);

// `text` for people: without its password, and "(unreadable)" if it cannot be read.
std::string describe_postgres_target(std::string_view text);

}  // namespace latchkey::store
