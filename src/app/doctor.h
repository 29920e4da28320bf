// What `latchkey doctor` finds out, and what it makes of it.
//
// Each check measures one thing and hands the facts to a pure decide_ function, so that a full disk
// or a clock that is behind can be tested without one. A check says what is wrong and what to do;
// it never shows a byte of a key or a password. Nothing is changed but a file that is written and
// removed at once. Every outside wait is bounded.
// Thread safety: one thread. Documented in docs/operating/doctor.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/clock.h"
#include "base/uuid.h"

namespace latchkey::app {

enum class Finding { ok, warning, problem };

struct Check {
  std::string_view name;  // "disk"
  Finding finding = Finding::ok;
  std::string what;    // what is the case
  std::string advice;  // what to do; empty if it is ok
};
using Checks = std::vector<Check>;

// What the console of the folder's running server says of itself.
struct RunningServer {
  std::string version;
  std::string public_url;
  std::string server_url;
  std::string operations_url;  // empty: a server that does not say it
  int64_t process_id = 0;      // 0: a server that does not say it
  uint64_t revision = 0;
  int64_t index_age_ms = 0;
  std::optional<Instant> last_event_at;
};

// Facts that more than one check needs.
struct Examined {
  const Config& config;
  std::string ca_file;  // --ca-file: roots to verify public_url with
  std::optional<RunningServer> running;
  std::optional<Instant> last_event_at;  // of the log, when it could be read
  std::optional<Uuid> deployment_id;     // when the keys could be read
};

// The folder, its modes and owner; keys; the database.
Checks check_data_folder(const Config& config);
Checks check_keys(Examined& examined);
Checks check_store(Examined& examined);
// The disk, the clock, and what the system lets a process do.
Checks check_disk(const Config& config);
Checks check_clock(const Examined& examined);
Checks check_limits(const Examined& examined);
// What is reached over the network.
Checks check_ports(const Examined& examined);
Checks check_mail(const Config& config);
Checks check_public_url(const Examined& examined);
// The pair of tls.certificate_file and tls.key_file; nothing when the server speaks plain HTTP.
Checks check_certificate(const Config& config);

struct DiskFacts {
  std::string path;
  uint64_t bytes_free = 0;
  uint64_t inodes_free = 0;
  uint64_t inodes_total = 0;  // 0: a file system that has no fixed number of them
  int64_t type = 0;           // statfs.f_type
  std::string write_error;    // of a file that was written and synced; empty if that worked
};
Checks decide_disk(const DiskFacts& facts);

struct ClockFacts {
  Instant now;
  Instant built;
  std::optional<Instant> last_event;
  std::optional<bool> is_synchronized;  // nothing: the system does not tell
};
Checks decide_clock(const ClockFacts& facts);

struct LimitFacts {
  uint64_t descriptors_soft = 0;
  uint64_t descriptors_hard = 0;
  uint64_t connections_max = 0;
  uint64_t core_bytes_max = 0;
  std::vector<std::string> swaps;  // the devices and files that are swapped to
};
Checks decide_limits(const LimitFacts& facts);

struct CertificateLife {
  Instant now;
  std::optional<Instant> until;  // nothing: it is not told
};
// Of the check `name`.
Check decide_certificate(std::string_view name, const CertificateLife& life);
// The instant of "Nov 24 12:00:00 2027 GMT", as OpenSSL writes it.
std::optional<Instant> parse_certificate_time(const std::string& text);

// The name of a file system that is shared over a network; empty for any other.
std::string_view network_file_system(int64_t type);
// "3.5 GiB" of a number of bytes.
std::string format_bytes(uint64_t bytes);

}  // namespace latchkey::app
