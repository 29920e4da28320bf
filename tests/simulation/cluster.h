// A database of three servers: a primary, its synchronous standby, another standby; and a manager
// that promotes the synchronous standby when it has not heard the primary for a while.
//
// It behaves as PostgreSQL under Patroni does where that matters: a commit is acknowledged, and is
// visible to others, after the synchronous standby has it; after a crash, or when the wait for the
// standby was cancelled, it is visible though the standby has it not; a primary that was stopped
// and wakes believes that it is one until it is told; one that was replaced throws away what only
// it had. Thread safety: one thread, within fibers. Spec: docs/spec/verification.md (Many nodes).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/event.h"
#include "simulation/fibers.h"
#include "simulation/history.h"
#include "store/store.h"

namespace latchkey::simulation {

constexpr int kServers = 3;
// Owners of fibers: 0 the world itself, servers from 100, nodes from 200, gates from 300.
constexpr int owner_of_server(int server) { return 100 + server; }

// What a change does to the rows.
struct Op {
  ChangeKind kind = ChangeKind::create;
  int token = 0;
  int person = 0;
  int text = 0;
  int old_text = 0;
  size_t change = 0;  // in the history
};

struct Entry {
  core::Event event;
  Op op;
};
using Wal = std::vector<std::shared_ptr<const Entry>>;

// The rows that a log leaves.
struct Rows {
  struct Token {
    int person = 0;
    int text = 0;
    bool live = true;
    std::vector<int> retired;  // texts of before
  };
  std::map<int, Token> tokens;
  std::set<int> disabled;  // people
  void apply(const Op& op);
};

struct ClusterFaults {
  bool lossy =
      false;  // the manager may promote a standby that is behind: for the checker's own test
};

class Cluster {
 public:
  Cluster(Fibers& fibers, History& history, ClusterFaults faults);

  // How a client's connection to a server ends a call.
  enum class Reply { done, failed, silent };

  struct Server {
    int id = 0;
    bool up = true;
    bool is_primary = false;  // believes so
    int sync = -1;            // its synchronous standby
    int upstream = -1;        // whom it follows
    uint64_t life = 0;        // connections of another are broken
    Wal wal;
    size_t visible = 0;
    Rows rows;  // that the visible part leaves
    bool is_writing = false;
    Signal changed;
  };

  Server& server(int id) { return servers_[static_cast<size_t>(id)]; }
  bool can_run(int id) const;

  // At the server, within a client's fiber. Commits `op` if `allows` does, or a heartbeat if it is
  // none, and gives the log's position that became visible. Nothing when it broke or was cancelled.
  struct Commit {
    bool done = false;
    bool refused = false;  // by the rows as they were: nothing was changed
    uint64_t revision = 0;
  };
  std::shared_ptr<Commit> commit(int id, std::optional<Op> op);
  store::LogHead head_of(const Server& server, size_t length) const;
  // Called with the id of a server whose log grew.
  std::function<void(int)> on_visible;

  // Faults.
  void crash(int id, Micros time);
  void stop(int id, Micros time);
  void cut_between(int a, int b, Micros time);  // a, b: servers
  void cut_from_manager(int id, Micros time);
  // Which server the manager takes for the primary.
  int leader() const { return leader_; }
  uint64_t failovers() const { return failovers_; }
  core::Epoch epoch() const { return epoch_; }

 private:
  void run_manager();
  void run_shipping(int id);
  void run_commit(int id, std::optional<Op> op, const std::shared_ptr<Commit>& commit);
  bool is_cut(int a, int b) const;
  bool manager_reaches(int id) const;
  void follow(int id, int upstream);
  void show(Server& server, size_t visible);
  void take_wal(Server& from, Server& to, size_t length);
  void promote(int id);

  Fibers& fibers_;
  History& history_;
  const ClusterFaults faults_;
  const core::Epoch epoch_;
  std::array<Server, kServers> servers_;
  std::map<std::pair<int, int>, Micros> cut_until_;
  std::map<int, Micros> cut_from_manager_until_;
  int leader_ = 0;
  Micros leader_heard_ = 0;
  uint64_t failovers_ = 0;
  uint64_t made_ = 0;  // for hashes
};

}  // namespace latchkey::simulation
