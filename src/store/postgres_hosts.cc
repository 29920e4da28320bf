#include "store/postgres_hosts.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace latchkey::store {
namespace {

bool is_list(std::string_view keyword) {
  return keyword == "host" || keyword == "hostaddr" || keyword == "port";
}

// The items of the parameter `keyword`; empty if the target does not have it.
std::vector<std::string_view> items_of(const PostgresTarget& target, std::string_view keyword) {
  for (const auto& [name, value] : target.parameters) {
    if (name == keyword) return split(std::string_view(value), ',');
  }
  return {};
}

size_t count_hosts(const PostgresTarget& target) {
  return std::max(
      {items_of(target, "host").size(), items_of(target, "hostaddr").size(), size_t{1}});
}

}  // namespace

PostgresHosts::PostgresHosts(const PostgresTarget& target)
    : target_(target), count_(count_hosts(target)) {}

std::vector<std::pair<std::string, std::string>> PostgresHosts::parameters() const {
  auto all = target_.parameters;
  MutexLock lock(mutex_);
  for (auto& [name, value] : all) {
    if (!is_list(name)) continue;
    auto items = split(std::string_view(value), ',');
    if (items.size() != count_) continue;  // one port for all, or an error that libpq tells
    std::rotate(items.begin(), items.begin() + static_cast<ptrdiff_t>(first_), items.end());
    std::string rotated;
    for (const std::string_view item : items) (rotated += item) += ',';
    rotated.pop_back();
    value = std::move(rotated);
  }
  return all;
}

uint64_t PostgresHosts::changes() const {
  MutexLock lock(mutex_);
  return changes_;
}

PostgresHosts::Mark PostgresHosts::mark(const PGconn* connection, uint64_t changes) const {
  const auto hosts = items_of(target_, "host");
  const auto addresses = items_of(target_, "hostaddr");
  const auto ports = items_of(target_, "port");
  const auto is_at = [&](const std::vector<std::string_view>& items, size_t i, const char* told) {
    return items.size() != count_ || items[i] == told;
  };
  MutexLock lock(mutex_);
  Mark mark{first_, changes};
  for (size_t i = 0; i < count_; ++i) {
    if (is_at(hosts, i, PQhost(connection)) && is_at(addresses, i, PQhostaddr(connection)) &&
        is_at(ports, i, PQport(connection))) {
      mark.host = i;
    }
  }
  return mark;
}

void PostgresHosts::note_commit(const Mark& mark) {
  MutexLock lock(mutex_);
  first_ = mark.host;
  if (confirmed_ == mark.host) return;
  confirmed_ = mark.host;
  ++changes_;
}

void PostgresHosts::note_failure(const Mark& mark) {
  MutexLock lock(mutex_);
  if (first_ == mark.host) first_ = (mark.host + 1) % count_;
}

bool PostgresHosts::is_replaced(const Mark& mark) const {
  MutexLock lock(mutex_);
  return changes_ != mark.changes && confirmed_ != mark.host;
}

}  // namespace latchkey::store
