#include "store/postgres_target.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace latchkey::store {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

Error bad(std::string rule) { return Error(ErrorCode::configuration, std::move(rule)); }

// A password with an '@' or a '/' that is not encoded would become a part of the host or database,
// and so of messages.
bool has_one_reading(std::string_view url) {
  const std::string_view rest = url.substr(url.find("://") + 3);
  const std::string_view place = rest.substr(0, rest.find('?'));
  const size_t at = place.find('@');
  if (at == place.npos) return true;
  return place.find('@', at + 1) == place.npos && place.find('/') > at;
}

bool is_local(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" ||
         host == "::1" || host.starts_with("127.");
}

// Whether each of a list of hosts, separated by commas, is this machine.
bool are_local(std::string_view hosts) {
  while (true) {
    const size_t comma = hosts.find(',');
    if (!is_local(hosts.substr(0, comma))) return false;
    if (comma == hosts.npos) return true;
    hosts.remove_prefix(comma + 1);
  }
}

const std::string* find(const PostgresTarget& target, std::string_view keyword) {
  for (const auto& [name, value] : target.parameters) {
    if (name == keyword) return &value;
  }
  return nullptr;
}

std::string name_of(const PostgresTarget& target) {
  std::string name = "postgres://";
  if (const auto* user = find(target, "user")) name += *user + "@";
  const auto* host = find(target, "host");
  if (host == nullptr) host = find(target, "hostaddr");
  if (host != nullptr) name += *host;
  if (const auto* port = find(target, "port")) name += ":" + *port;
  name += "/";
  if (const auto* database = find(target, "dbname")) name += *database;
  return name;
}

}  // namespace

Result<PostgresTarget> parse_postgres_target(std::string_view text) {
  const bool is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
  if (!is_url && text.find('=') == text.npos) {
    return bad("must be postgres://USER@HOST/DATABASE, or host=... dbname=...");
  }
  if (text.size() > 4096 || text.find('\0') != text.npos) return bad("must be at most 4096 bytes");
  if (is_url && !has_one_reading(text)) {
    return bad("must have an '@', '/' or '?' of its password as %40, %2F, %3F");
  }
  std::string copy(text);
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(copy.c_str(), &why));
  wipe(copy.data(), copy.size());
  if (why != nullptr) PQfreemem(why);  // quotes what it could not read
  if (!options) return bad("cannot be read as a connection URL or as keywords of libpq");
  PostgresTarget target;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    const std::string_view keyword = option->keyword;
    if (keyword == "sslpassword") return bad("must have no sslpassword: use a key without one");
    if (keyword == "password") {
      target.password = SecretText(std::string_view(option->val));
      wipe(option->val, std::string_view(option->val).size());
    } else {
      target.parameters.emplace_back(keyword, option->val);
    }
  }
  const auto* database = find(target, "dbname");
  if (database == nullptr && find(target, "service") == nullptr) {
    return bad("must name a database");
  }
  const auto* port = find(target, "port");
  if (port != nullptr && port->find_first_not_of("0123456789,") != port->npos) {
    return bad("must have a number as its port");
  }
  const auto* host = find(target, "host");
  const bool names_tls = find(target, "sslmode") != nullptr || find(target, "service") != nullptr ||
                         std::getenv("PGSSLMODE") != nullptr;
  if (!names_tls && (!are_local(host ? *host : "") || find(target, "hostaddr") != nullptr)) {
    target.parameters.emplace_back("sslmode", "verify-full");
  }
  target.name = name_of(target);
  return target;
}

std::string describe_postgres_target(std::string_view text) {
  const auto target = parse_postgres_target(text);
  return target ? target->name : "(unreadable)";
}

}  // namespace latchkey::store
