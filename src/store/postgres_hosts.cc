#include "store/postgres_hosts.h"

#include <algorithm>
#include <string_view>

namespace latchkey::store {
namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> items;
  while (true) {
    const size_t comma = list.find(',');
    items.emplace_back(list.substr(0, comma));
    if (comma == list.npos) return items;
    list.remove_prefix(comma + 1);
  }
}

bool is_list(std::string_view keyword) {
  return keyword == "host" || keyword == "hostaddr" || keyword == "port";
}

// The items of the parameter `keyword`; empty if the target does not have it.
std::vector<std::string> items_of(const PostgresTarget& target, std::string_view keyword) {
  for (const auto& [name, value] : target.parameters) {
    if (name == keyword) return split(value);
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
    auto items = split(value);
    if (items.size() != count_) continue;  // one port for all, or an error that libpq tells
    std::rotate(items.begin(), items.begin() + static_cast<ptrdiff_t>(first_), items.end());
    value.clear();
    for (size_t i = 0; i < items.size(); ++i) value += (i == 0 ? "" : ",") + items[i];
  }
  return all;
}

PostgresHosts::Mark PostgresHosts::mark(const PGconn* connection) const {
  const auto hosts = items_of(target_, "host");
  const auto ports = items_of(target_, "port");
  const std::string_view host = PQhost(connection);
  const std::string_view port = PQport(connection);
  MutexLock lock(mutex_);
  Mark mark{first_, changes_};
  for (size_t i = 0; i < count_; ++i) {
    const bool is_host = i >= hosts.size() || hosts[i] == host;
    const bool is_port = ports.size() != count_ || ports[i] == port;
    if (is_host && is_port) mark.host = i;
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
