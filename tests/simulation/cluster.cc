#include "simulation/cluster.h"

#include <algorithm>

#include "base/assert.h"
#include "verify/feed_for_test.h"

namespace latchkey::simulation {
namespace {

constexpr Micros kLease = ms(1'500);
constexpr Micros kCommitMax = ms(4'000);

}  // namespace

void Rows::apply(const Op& op) {
  switch (op.kind) {
    case ChangeKind::create: tokens[op.token] = {op.person, op.text, true, {}}; return;
    case ChangeKind::revoke: tokens[op.token].live = false; return;
    case ChangeKind::regenerate:
      tokens[op.token].retired.push_back(tokens[op.token].text);
      tokens[op.token].text = op.text;
      return;
    case ChangeKind::disable: disabled.insert(op.person); return;
    case ChangeKind::enable: disabled.erase(op.person); return;
  }
}

Cluster::Cluster(Fibers& fibers, History& history, ClusterFaults faults)
    : fibers_(fibers),
      history_(history),
      faults_(faults),
      epoch_(verify::id_for_test<core::Epoch>(1)) {
  for (int id = 0; id < kServers; ++id) {
    server(id).id = id;
    server(id).upstream = id == 0 ? -1 : 0;
    fibers_.spawn(owner_of_server(id), [this, id] { run_shipping(id); });
  }
  server(0).is_primary = true;
  server(0).sync = 1;
  fibers_.spawn(0, [this] { run_manager(); });
}

bool Cluster::can_run(int id) const {
  return servers_[static_cast<size_t>(id)].up && !fibers_.is_paused(owner_of_server(id));
}

bool Cluster::is_cut(int a, int b) const {
  const auto found = cut_until_.find(std::minmax(a, b));
  return found != cut_until_.end() && found->second > fibers_.now();
}

bool Cluster::manager_reaches(int id) const {
  const auto found = cut_from_manager_until_.find(id);
  const bool is_cut_off = found != cut_from_manager_until_.end() && found->second > fibers_.now();
  return can_run(id) && !is_cut_off;
}

store::LogHead Cluster::head_of(const Server& server, size_t length) const {
  if (length == 0) return {{0}, {}, epoch_};
  return {{length}, server.wal[length - 1]->event.hash, epoch_};
}

void Cluster::show(Server& server, size_t visible) {
  if (visible <= server.visible) return;
  for (size_t i = server.visible; i < visible; ++i) server.rows.apply(server.wal[i]->op);
  server.visible = visible;
  server.changed.notify();
  if (on_visible) on_visible(server.id);
}

// What `to` gets of the log of `from`. REQUIRES: it follows it.
void Cluster::take_wal(Server& from, Server& to, size_t length) {
  // One that missed what became of its primary begins where both agree.
  const size_t known = to.wal.size();
  if (known > from.wal.size() || (known > 0 && from.wal[known - 1] != to.wal[known - 1])) {
    follow(to.id, from.id);
  }
  for (size_t i = to.wal.size(); i < length; ++i) to.wal.push_back(from.wal[i]);
}

// A standby gets what its upstream has, a little later, and shows it a little later still.
void Cluster::run_shipping(int id) {
  while (true) {
    fibers_.sleep(ms(2), ms(60));
    Server& self = server(id);
    if (!self.up || self.upstream < 0) continue;
    Server& upstream = server(self.upstream);
    show(self, self.wal.size());
    if (can_run(upstream.id) && !is_cut(id, upstream.id) && upstream.upstream < 0) {
      take_wal(upstream, self, upstream.wal.size());
    }
  }
}

// Throws away what only `id` has, and follows.
void Cluster::follow(int id, int upstream) {
  Server& self = server(id);
  Server& other = server(upstream);
  size_t common = 0;
  while (common < std::min(self.wal.size(), other.wal.size()) &&
         self.wal[common] == other.wal[common]) {
    ++common;
  }
  const bool is_rewound = common < self.wal.size() || self.is_primary;
  self.is_primary = false;
  self.upstream = upstream;
  self.sync = -1;
  if (!is_rewound) return;
  ++self.life;
  self.is_writing = false;
  for (size_t i = common; i < self.wal.size(); ++i) {
    Change& change = history_.change(self.wal[i]->op.change);
    const bool is_lost = change.lost_at != kNever;
    if (is_lost) {
      const int64_t gone_at =
          std::max(fibers_.now(), change.gone_at == kNever ? 0 : change.gone_at);
      change.gone_at = gone_at;
    }
  }
  self.wal.resize(common);
  self.visible = 0;
  self.rows = Rows();
  self.changed.notify();
  show(self, common);
}

void Cluster::promote(int id) {
  ++failovers_;
  Server& winner = server(id);
  winner.is_primary = true;
  winner.upstream = -1;
  winner.sync = -1;
  leader_ = id;
  leader_heard_ = fibers_.now();
  show(winner, winner.wal.size());
  // What the new primary has not will never be.
  std::set<size_t> kept;
  for (const auto& entry : winner.wal) kept.insert(entry->op.change);
  for (Server& other : servers_) {
    for (const auto& entry : other.wal) {
      Change& change = history_.change(entry->op.change);
      if (!kept.contains(entry->op.change) && change.lost_at == kNever) {
        change.lost_at = fibers_.now();
      }
    }
  }
}

// Patroni and etcd, as one: who has the lease is the primary, and only its synchronous standby may
// follow it.
void Cluster::run_manager() {
  while (true) {
    fibers_.sleep(ms(50), ms(400));
    Server& primary = server(leader_);
    if (manager_reaches(leader_)) leader_heard_ = fibers_.now();
    if (fibers_.now() - leader_heard_ > kLease) {
      std::vector<int> able;
      for (int id = 0; id < kServers; ++id) {
        const bool may = id == primary.sync || faults_.lossy;
        if (id != leader_ && may && manager_reaches(id)) able.push_back(id);
      }
      if (!able.empty()) promote(able[static_cast<size_t>(fibers_.random(0, able.size() - 1))]);
      continue;
    }
    for (int id = 0; id < kServers; ++id) {
      if (id == leader_ || !manager_reaches(id)) continue;
      // One that was replaced learns of it after a while.
      if (server(id).upstream != leader_ && fibers_.one_in(3)) follow(id, leader_);
    }
    if (!manager_reaches(leader_)) continue;
    const bool has_sync = primary.sync >= 0 && manager_reaches(primary.sync) &&
                          server(primary.sync).upstream == leader_ &&
                          !is_cut(leader_, primary.sync);
    if (has_sync && !fibers_.one_in(200)) continue;
    for (int id = 0; id < kServers; ++id) {
      const bool is_able = id != leader_ && id != primary.sync && manager_reaches(id) &&
                           server(id).upstream == leader_ && !is_cut(leader_, id);
      // It must have all that may have been acknowledged by the one before.
      if (is_able && server(id).wal.size() == primary.wal.size()) primary.sync = id;
    }
  }
}

std::shared_ptr<Cluster::Commit> Cluster::commit(int id, std::optional<Op> op) {
  auto commit = std::make_shared<Commit>();
  // The server goes on with it, whatever becomes of who asked.
  fibers_.spawn(owner_of_server(id), [this, id, op, commit] { run_commit(id, op, commit); });
  const Micros until = fibers_.now() + kCommitMax;
  while (!commit->done && !commit->refused && fibers_.now() < until) {
    (void)fibers_.wait(server(id).changed, until - fibers_.now());
  }
  return std::make_shared<Commit>(*commit);
}

void Cluster::run_commit(int id, std::optional<Op> op, const std::shared_ptr<Commit>& commit) {
  Server& self = server(id);
  const uint64_t life = self.life;
  if (!self.up || !self.is_primary) return;
  if (op) {
    while (self.is_writing) {  // the head's row is locked until a commit ends
      (void)fibers_.wait(self.changed, ms(100));
      if (self.life != life || !self.is_primary) return;
    }
    const auto token = self.rows.tokens.find(op->token);
    const bool needs_live = op->kind == ChangeKind::revoke || op->kind == ChangeKind::regenerate;
    if (needs_live && (token == self.rows.tokens.end() || !token->second.live ||
                       token->second.text != op->old_text)) {
      commit->refused = true;
      self.changed.notify();
      return;
    }
    self.is_writing = true;
    auto entry = std::make_shared<Entry>();
    entry->op = *op;
    entry->event.revision = {self.wal.size() + 1};
    entry->event.previous_hash = self.wal.empty() ? Digest{} : self.wal.back()->event.hash;
    ++made_;
    for (size_t i = 0; i < 8; ++i) entry->event.hash[i] = static_cast<uint8_t>(made_ >> (8 * i));
    self.wal.push_back(entry);
    // One that was replaced and does not know it writes what will never be.
    if (id != leader_) history_.change(op->change).lost_at = fibers_.now();
  }
  const size_t length = self.wal.size();
  while (true) {
    fibers_.sleep(ms(1), ms(3));
    if (self.life != life) return;
    if (self.sync >= 0) {
      Server& standby = server(self.sync);
      // Who follows another one, or none, acknowledges nothing to this one.
      if (can_run(standby.id) && standby.upstream == id && !is_cut(id, standby.id)) {
        take_wal(self, standby, length);
        break;
      }
    }
    // Somebody ends the wait: what is committed here becomes visible, without having been told.
    if (op && fibers_.one_in(400)) {
      self.is_writing = false;
      show(self, length);
      return;
    }
    fibers_.sleep(ms(5), ms(20));
    if (self.life != life) return;
  }
  fibers_.sleep(500, ms(2));
  if (self.life != life) return;
  if (op) self.is_writing = false;
  show(self, length);
  commit->done = true;
  commit->revision = length;
  self.changed.notify();
}

// After a crash all that was in the log is visible, whether or not a standby has it.
void Cluster::crash(int id, Micros time) {
  Server& self = server(id);
  if (!self.up) return;
  self.up = false;
  ++self.life;
  self.is_writing = false;
  self.changed.notify();
  fibers_.spawn(0, [this, id, time] {
    fibers_.sleep(time);
    Server& again = server(id);
    again.up = true;
    show(again, again.wal.size());
  });
}

void Cluster::stop(int id, Micros time) { fibers_.pause(owner_of_server(id), time); }

void Cluster::cut_between(int a, int b, Micros time) {
  cut_until_[std::minmax(a, b)] = fibers_.now() + time;
}

void Cluster::cut_from_manager(int id, Micros time) {
  cut_from_manager_until_[id] = fibers_.now() + time;
}

}  // namespace latchkey::simulation
