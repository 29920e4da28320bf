#include "postgres_cluster.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/assert.h"

namespace latchkey {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr uint64_t kRoomBytes = 1 << 30;

// Memory, where a sync costs nothing, if there is enough.
std::string folder_with_room() {
  std::error_code error;
  const auto space = std::filesystem::space("/dev/shm", error);
  if (!error && space.available >= kRoomBytes) return "/dev/shm";
  return std::filesystem::temp_directory_path();
}

}  // namespace

PostgresCluster::PostgresCluster() {
  folder_ = folder_with_room() + "/latchkey-pg-XXXXXX";
  LK_ASSERT(::mkdtemp(folder_.data()) != nullptr);
  if (::geteuid() == 0) {
    // PostgreSQL refuses to be run as root; Debian's package makes this user.
    const passwd* const user = ::getpwnam("postgres");
    LK_ASSERT(user != nullptr);
    LK_ASSERT(::chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0);
    as_user_ = "setpriv --reuid=postgres --regid=postgres --init-groups ";
  }
  run("initdb --no-sync --auth=trust --username=latchkey --encoding=UTF8 --locale=C.UTF-8 -D " +
      folder_ + "/data >" + folder_ + "/initdb.log 2>&1");
  // A shell that outlives us just long enough to take the server along.
  int pipe[2] = {};
  LK_ASSERT(::pipe2(pipe, O_CLOEXEC) == 0);
  const pid_t watcher = ::fork();
  LK_ASSERT(watcher >= 0);
  if (watcher == 0) {
    ::setsid();
    ::dup2(pipe[0], 0);
    const std::string end = "read x; cd /; " + as_user_ + kPrograms +
                            "pg_ctl stop -s -m immediate -D " + folder_ + "/data; rm -rf " +
                            folder_;
    ::execl("/bin/sh", "sh", "-c", (end + " >/dev/null 2>&1").c_str(), nullptr);
    ::_exit(127);
  }
  ::close(pipe[0]);
  watched_ = pipe[1];
  start();
}

PostgresCluster::~PostgresCluster() { ::close(watched_); }

std::string PostgresCluster::target(const std::string& database) const {
  return "host=" + folder_ + " user=latchkey dbname=" + database;
}

void PostgresCluster::stop(const std::string& mode) {
  run("pg_ctl stop -s -w -m " + mode + " -D " + folder_ + "/data");
}

void PostgresCluster::start() {
  run("pg_ctl start -s -w -t 60 -l " + folder_ + "/server.log -D " + folder_ +
      "/data -o \"-c listen_addresses='' -c unix_socket_directories=" + folder_ +
      " -c shared_buffers=16MB -c max_connections=60\"");
}

void PostgresCluster::run(const std::string& command) const {
  // Its user may not enter the folder that the test stands in.
  const std::string whole = "cd / && " + as_user_ + kPrograms + command;
  LK_ASSERT(std::system(whole.c_str()) == 0);
}

}  // namespace latchkey
