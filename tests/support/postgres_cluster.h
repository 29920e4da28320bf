// A PostgreSQL server of its own for tests: Debian's, in a folder of its own, on a Unix socket.
//
// It is made and started by the constructor, as an unprivileged user where the test runs as root,
// and goes with the object, and with the process however that ends. It syncs what it commits.
// Thread safety: one thread.
#pragma once

#include <string>

namespace latchkey {

class PostgresCluster {
 public:
  PostgresCluster();
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  // libpq's keywords for a session with `database`. The role may do everything.
  std::string target(const std::string& database) const;
  // Of its socket.
  const std::string& folder() const { return folder_; }
  // How pg_ctl says it: "fast" ends sessions, "immediate" is a crash.
  void stop(const std::string& mode = "fast");
  void start();

 private:
  // Runs a program of PostgreSQL; the test ends if it fails.
  void run(const std::string& command) const;

  std::string folder_;
  std::string as_user_;  // how a command begins that must not run as root
  int watched_ = -1;     // closed with this process: then the server ends
};

}  // namespace latchkey
