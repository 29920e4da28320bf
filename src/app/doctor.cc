#include "app/doctor.h"

#include <array>

#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr uint64_t kMebibyte = 1024 * 1024;
constexpr uint64_t kFreeBytesMin = 64 * kMebibyte;  // what a checkpoint of the store may need
constexpr uint64_t kFreeBytesLow = 1024 * kMebibyte;
constexpr uint64_t kFreeInodesMin = 16;
constexpr uint64_t kFreeInodesLow = 1000;
// The files, sockets and mails that are open beside connections, as in descriptors.cc.
constexpr uint64_t kOtherDescriptors = 448;
// Between two machines, or two reads of one clock, there may be this much.
constexpr Milliseconds kClockTolerance{1000};
constexpr int64_t kTmpfs = 0x01021994;

struct FileSystem {
  int64_t type;
  std::string_view name;
};
// statfs(2) and linux/magic.h.
constexpr std::array<FileSystem, 9> kNetworkFileSystems{{{0x6969, "NFS"},
                                                         {0x517B, "SMB"},
                                                         {0xFF534D42, "CIFS"},
                                                         {0xFE534D42, "SMB"},
                                                         {0x01021997, "9P"},
                                                         {0x5346414F, "AFS"},
                                                         {0x00C36400, "Ceph"},
                                                         {0x73757245, "Coda"},
                                                         {0x7461636F, "OCFS2"}}};

std::string seconds_text(Milliseconds span) {
  return std::to_string((span.count() + 999) / 1000) + " s";
}

Check decide_space(const DiskFacts& facts) {
  const std::string left = format_bytes(facts.bytes_free) + " free at " + facts.path;
  if (facts.bytes_free < kFreeBytesMin) {
    return {"disk", Finding::problem, "only " + left,
            "make room: below " + format_bytes(kFreeBytesMin) + " changes may be refused"};
  }
  if (facts.bytes_free < kFreeBytesLow) {
    return {"disk", Finding::warning, "only " + left, "make room, or move the data folder"};
  }
  return {"disk", Finding::ok, left, ""};
}

}  // namespace

std::string format_bytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  uint64_t tenths = bytes * 10;
  size_t unit = 0;
  while (tenths >= 10240 && unit + 1 < kUnits.size()) {
    tenths /= 1024;
    ++unit;
  }
  const std::string fraction =
      tenths % 10 == 0 || unit == 0 ? "" : "." + std::to_string(tenths % 10);
  return std::to_string(tenths / 10) + fraction + " " + std::string(kUnits[unit]);
}

std::string_view network_file_system(int64_t type) {
  for (const FileSystem& file_system : kNetworkFileSystems) {
    if (file_system.type == (type & 0xFFFFFFFF)) return file_system.name;
  }
  return "";
}

Checks decide_disk(const DiskFacts& facts) {
  Checks checks;
  if (!facts.write_error.empty()) {
    checks.push_back(
        {"disk", Finding::problem,
         "a file cannot be written and synced in " + facts.path + ": " + facts.write_error,
         "make the folder writable for the server's user, and make room"});
  }
  checks.push_back(decide_space(facts));
  if (facts.inodes_total > 0 && facts.inodes_free < kFreeInodesLow) {
    const bool is_out = facts.inodes_free < kFreeInodesMin;
    checks.push_back({"disk", is_out ? Finding::problem : Finding::warning,
                      "only " + std::to_string(facts.inodes_free) + " inodes free at " + facts.path,
                      "remove files that nothing needs"});
  }
  if (const auto name = network_file_system(facts.type); !name.empty()) {
    checks.push_back({"disk", Finding::problem,
                      facts.path + " is on a network file system (" + std::string(name) +
                          "), where the store's locks and syncs cannot be relied on",
                      "move the data folder to a disk of this machine"});
  }
  if (facts.type == kTmpfs) {
    checks.push_back({"disk", Finding::warning, facts.path + " is in memory (tmpfs)",
                      "move the data folder to a disk, unless all may be lost at a restart"});
  }
  return checks;
}

Checks decide_clock(const ClockFacts& facts) {
  constexpr std::string_view kSet =
      "set the clock, e.g. install systemd-timesyncd or chrony; until then tokens expire at wrong "
      "times";
  const std::string now = format_date_time({facts.now.ms - facts.now.ms % 1000});
  if (facts.now < facts.built) {
    return {{"clock", Finding::problem, "it is " + now + ", before this program was built",
             std::string(kSet)}};
  }
  if (facts.last_event && facts.now + kClockTolerance < *facts.last_event) {
    return {{"clock", Finding::problem,
             "it is " + now + ", " + seconds_text(*facts.last_event - facts.now) +
                 " before the last change in the log",
             std::string(kSet)}};
  }
  if (facts.is_synchronized == false) {
    return {{"clock", Finding::warning, "it is " + now + ", and nothing keeps the clock right",
             "install systemd-timesyncd or chrony, and see `timedatectl`"}};
  }
  return {{"clock", Finding::ok,
           now + (facts.is_synchronized == true ? ", synchronized"
                                                : "; whether it is synchronized is not told"),
           ""}};
}

Checks decide_limits(const LimitFacts& facts) {
  Checks checks;
  const uint64_t needed = facts.connections_max + kOtherDescriptors;
  const std::string has = std::to_string(facts.descriptors_soft) +
                          " open files for a process (hard limit " +
                          std::to_string(facts.descriptors_hard) + ")";
  if (facts.descriptors_hard < needed) {  // the server raises the soft one
    checks.push_back(
        {"limits", Finding::warning,
         has + ", and limits.connections_max = " + std::to_string(facts.connections_max) +
             " needs " + std::to_string(needed),
         "start the server under LimitNOFILE=" + std::to_string(needed) +
             " (systemd) or ulimit -n, or lower limits.connections_max"});
  } else {
    checks.push_back({"limits", Finding::ok, has, ""});
  }
  if (facts.core_bytes_max != 0) {
    checks.push_back({"limits", Finding::warning,
                      "a crash may write keys from memory into a core dump",
                      "start the server under LimitCORE=0 (systemd) or ulimit -c 0"});
  }
  if (!facts.swaps.empty()) {
    checks.push_back({"limits", Finding::warning,
                      "memory, and keys in it, may be swapped out to " + facts.swaps.front(),
                      "encrypt the swap space, or switch it off with swapoff"});
  }
  return checks;
}

}  // namespace latchkey::app
