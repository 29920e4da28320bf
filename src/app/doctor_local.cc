// The checks of `latchkey doctor` that stay on this machine: folder, keys, store, disk, clock.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "app/build_date.h"
#include "app/doctor.h"
#include "app/keys.h"
#include "app/store_choice.h"
#include "base/entropy.h"
#include "base/log.h"
#include "store/event_rows.h"
#include "store/migrations_sqlite.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0;
}

// A message of keys.h is "what; what to type".
Check problem_of(std::string_view name, const std::string& message) {
  const size_t semicolon = message.find("; ");
  if (semicolon == message.npos) {
    return {name, Finding::problem, message, "look at the folder with ls -la"};
  }
  return {name, Finding::problem, message.substr(0, semicolon), message.substr(semicolon + 2)};
}

// What others may do with a file that must be its owner's alone.
void check_file(const std::string& path, Checks& checks) {
  if (!exists(path)) return;
  if (auto held = check_private(path); !held) {
    checks.push_back(problem_of("folder", held.error().message));
  }
}

// The nearest folder above that is there: where a data folder would be made.
std::string existing_folder(const std::string& path) {
  std::error_code error;
  fs::path folder = fs::absolute(path, error);
  while (!folder.empty() && folder != folder.root_path() && !fs::exists(folder, error)) {
    folder = folder.parent_path();
  }
  return folder.string();
}

// Why a file cannot be written, synced and removed in `folder`; empty if it can.
std::string try_to_write(const std::string& folder) {
  std::string path = folder + "/.doctor-XXXXXX";
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) return std::strerror(errno);
  const std::string page(4096, 'x');
  std::string why;
  if (::write(file, page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
      ::fsync(file) != 0) {
    why = std::strerror(errno);
  }
  ::close(file);
  ::unlink(path.c_str());
  return why;
}

struct SchemaAndHead {
  int64_t schema = 0;
  core::Revision revision;
  std::optional<Instant> last_event_at;
};

Result<SchemaAndHead> read_store(const Config& config, const core::RowKeys& row_keys) {
  SystemEntropy entropy;
  LK_TRY(auto driver, open_driver(config, StoreUse::look, entropy));
  LK_TRY(auto connection, driver->connect());
  LK_CHECK(connection->run(driver->begin_read()));  // other nodes may write meanwhile
  SchemaAndHead found;
  LK_CHECK(connection->run("SELECT version FROM schema_version", {},
                           [&](const store::Row& row) -> Result<void> {
                             found.schema = row.integer(0);
                             return {};
                           }));
  if (found.schema > static_cast<int64_t>(driver->migrations().size())) {
    return Error(ErrorCode::configuration, "the database was written by a newer version", "",
                 "install the version that wrote it, or a newer one");
  }
  // The head of an older schema has another form; the next start brings it up to date.
  if (found.schema < static_cast<int64_t>(driver->migrations().size())) return found;
  LK_TRY(const auto head, store::load_signed_head(*connection, core::RowKeyView(row_keys)));
  LK_TRY(const auto last, store::find_last_event(*connection));
  if ((last ? last->revision : core::Revision{}) != head.revision) {
    return Error(ErrorCode::integrity_violated, "the last event is not the head of the event log");
  }
  found.revision = head.revision;
  if (last) found.last_event_at = last->at;
  return found;
}

Check store_problem(const Error& error, bool is_file) {
  const std::string what = error.message;
  if (error.code == ErrorCode::integrity_violated) {
    return {"store", Finding::problem, what,
            "keep this folder as evidence, type `latchkey audit verify`, and put back a backup"};
  }
  if (!error.detail.empty()) return {"store", Finding::problem, what, error.detail};
  if (!is_file) {
    return {"store", Finding::problem, what,
            "see to store.url and the server that it names; docs/operating/postgresql.md"};
  }
  return {"store", Finding::problem, what,
          "end what uses it, or put back a backup if the file is damaged"};
}

std::vector<std::string> swap_places() {
  std::vector<std::string> places;
  std::ifstream file("/proc/swaps");
  std::string line;
  std::getline(file, line);  // the heads
  while (std::getline(file, line)) {
    const std::string place = line.substr(0, line.find(' '));
    // In memory, compressed: nothing reaches a disk.
    if (!place.empty() && place.find("/zram") == place.npos) places.push_back(place);
  }
  return places;
}

}  // namespace

Checks check_data_folder(const Config& config) {
  const std::string& folder = config.data_dir;
  if (!exists(folder)) {
    return {{"folder", Finding::warning, folder + " is not there yet",
             "start the server, which makes it, or name another with --data"}};
  }
  Checks checks;
  if (auto held = make_data_dir(folder); !held) {
    checks.push_back(problem_of("folder", held.error().message));
  }
  const std::string database = database_path(folder);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) check_file(database + suffix, checks);
  check_file(socket_path(folder), checks);
  if (!config.smtp_password_file.empty()) check_file(config.smtp_password_file, checks);
  if (checks.empty()) {
    checks.push_back(
        {"folder", Finding::ok, folder + " and its files are their owner's alone", ""});
  }
  return checks;
}

Checks check_keys(Examined& examined) {
  const std::string& folder = examined.config.data_dir;
  if (!exists(folder + "/keys") && !exists(database_path(folder))) {
    return {{"keys", Finding::warning, "there are none yet",
             "start the server, which makes them, and then back them up"}};
  }
  SystemEntropy entropy;
  const auto keys = load_keys(folder, MissingKeys::refuse, entropy);
  if (!keys) return {problem_of("keys", keys.error().message)};
  examined.deployment_id = (*keys)->deployment_id();
  return {{"keys", Finding::ok, "all are there and can be read", ""}};
}

Checks check_store(Examined& examined) {
  if (examined.running) {
    const RunningServer& server = *examined.running;
    examined.last_event_at = server.last_event_at;
    return {{"store", Finding::ok,
             "in use by the running server (" + server.version + "), " +
                 std::to_string(server.revision) + " events, index " +
                 std::to_string(server.index_age_ms) + " ms old",
             ""}};
  }
  const std::string& folder = examined.config.data_dir;
  const bool is_file = !is_on_postgres(examined.config);
  if (is_file && !exists(database_path(folder))) {
    return {{"store", Finding::warning, "there is no database yet", "start the server"}};
  }
  // SQLite gives the files that it makes beside it the same mode.
  if (is_file && !check_private(database_path(folder))) {
    return {{"store", Finding::warning, "not looked at while others may use its file",
             "see to the folder first"}};
  }
  SystemEntropy entropy;
  const auto keys = load_keys(folder, MissingKeys::refuse, entropy);
  if (!keys) {
    return {{"store", Finding::problem, "the database cannot be checked without its keys",
             "see to the keys first"}};
  }
  const auto found = read_store(examined.config, (*keys)->row_keys());
  if (!found) return {store_problem(found.error(), is_file)};
  examined.last_event_at = found->last_event_at;
  const auto newest = static_cast<int64_t>(store::sqlite_migrations().size());
  const std::string schema =
      "schema " + std::to_string(found->schema) + " of " + std::to_string(newest);
  if (found->schema < newest) {
    return {{"store", Finding::warning, schema,
             "back up first: the next start brings the schema up to date"}};
  }
  const std::string what =
      "the last of " + std::to_string(found->revision.number) + " events is signed; " + schema;
  return {{"store", Finding::ok, what, ""}};
}

Checks check_disk(const Config& config) {
  DiskFacts facts;
  facts.path = existing_folder(config.data_dir);
  struct statvfs space = {};
  struct statfs kind = {};
  if (::statvfs(facts.path.c_str(), &space) != 0 || ::statfs(facts.path.c_str(), &kind) != 0) {
    return {{"disk", Finding::problem,
             "cannot ask about " + facts.path + ": " + std::strerror(errno),
             "look at the folder and those above it with ls -ld"}};
  }
  facts.bytes_free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  facts.inodes_free = space.f_favail;
  facts.inodes_total = space.f_files;
  facts.type = static_cast<int64_t>(kind.f_type);
  facts.write_error = try_to_write(facts.path);
  return decide_disk(facts);
}

Checks check_clock(const Examined& examined) {
  SystemClock clock;
  ClockFacts facts;
  facts.now = clock.now();
  facts.built = build_instant();
  facts.last_event = examined.last_event_at;
  struct timex state = {};
  // https://man7.org/linux/man-pages/man2/adjtimex.2.html: reading needs no right.
  if (const int told = ::adjtimex(&state); told >= 0) {
    facts.is_synchronized = told != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  }
  return decide_clock(facts);
}

Checks check_limits(const Examined& examined) {
  LimitFacts facts;
  facts.connections_max = examined.config.limits_connections_max;
  // Those of the running server count; a stopped one will have those of whoever starts it.
  const auto process = static_cast<pid_t>(examined.running ? examined.running->process_id : 0);
  struct rlimit limit = {};
  if (::prlimit(process, RLIMIT_NOFILE, nullptr, &limit) == 0) {
    facts.descriptors_soft = limit.rlim_cur;
    facts.descriptors_hard = limit.rlim_max;
  }
  if (::prlimit(process, RLIMIT_CORE, nullptr, &limit) == 0) facts.core_bytes_max = limit.rlim_cur;
  facts.swaps = swap_places();
  return decide_limits(facts);
}

}  // namespace latchkey::app
