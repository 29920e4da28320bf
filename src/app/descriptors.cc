#include "app/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace latchkey::app {
namespace {

// For the database, the log, the console, health and metrics (256 connections), mail.
constexpr rlim_t kOtherDescriptors = 448;

}  // namespace

uint32_t make_room_for_connections(uint32_t connections_max, Log& log) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections_max;
  const rlim_t wanted = connections_max + kOtherDescriptors;
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);  // what came of it is read next
    (void)getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return connections_max;
  // With very few, half of them.
  const rlim_t others = std::min(kOtherDescriptors, limit.rlim_cur / 2);
  const auto room = static_cast<uint32_t>(limit.rlim_cur - others);
  log.warning("serve.few_descriptors", {{"connections_max", static_cast<int64_t>(room)},
                                        {"configured", static_cast<int64_t>(connections_max)},
                                        {"limit", static_cast<int64_t>(limit.rlim_cur)}});
  return room;
}

}  // namespace latchkey::app
