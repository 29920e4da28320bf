#include "simulation/world.h"

#include <algorithm>

#include "verify/message_feed.h"

namespace latchkey::simulation {
namespace {

constexpr int kNodes = 3;
constexpr int kGates = 2;
constexpr int kPeople = 3;
constexpr int owner_of_node(int node) { return 200 + node; }
constexpr int owner_of_gate(int gate) { return 300 + gate; }
constexpr Micros kPollTimeout = ms(2'000);

Answer answer_of(const Result<verify::Grant>& checked) {
  if (checked) return Answer::accepted;
  switch (checked.error().code) {
    case ErrorCode::index_stale: return Answer::stale;
    case ErrorCode::token_revoked: return Answer::revoked;
    case ErrorCode::token_owner_disabled: return Answer::disabled;
    default: return Answer::unknown;
  }
}

// A gate that asks a node, and another one when that does not answer.
class Gate final : public verify::MessageFeed {
 public:
  Gate(Fibers& fibers, std::vector<std::unique_ptr<Node>>& nodes, Secrets& secrets,
       MachineClock& clock, int owner, std::string name)
      : MessageFeed(clock),
        fibers_(fibers),
        nodes_(nodes),
        owner_(owner),
        name_(std::move(name)),
        verifier_(secrets.keys, secrets.provider, clock, simulated_options()) {}

  void run() {
    while (!verifier_.load(*this)) fibers_.sleep(ms(10), ms(200));
    Micros back_off = ms(10);
    Milliseconds wait{0};
    while (true) {
      if (fibers_.one_in(30)) node_ = pick();  // a load balancer
      if (verifier_.follow_once(*this, wait)) {
        back_off = ms(10);
        wait = simulated_options().poll_wait;
        continue;
      }
      if (fibers_.one_in(2)) node_ = pick();
      fibers_.sleep(back_off);
      back_off = std::min(back_off * 2, ms(500));
      wait = Milliseconds(0);
    }
  }
  const verify::Verifier& verifier() const { return verifier_; }
  const std::string& name() const { return name_; }
  int owner() const { return owner_; }
  void cut(Micros time) { cut_until_ = fibers_.now() + time; }

 private:
  using Ask = std::function<Result<std::string>(Node&)>;

  int pick() { return static_cast<int>(fibers_.random(0, kNodes - 1)); }

  Result<verify::FeedMessage> ask_snapshot(const std::string& cursor) override {
    return ask([cursor](Node& node) { return node.tell_page(cursor); });
  }
  Result<verify::FeedMessage> ask_changes(const Question& question) override {
    app::FeedAnswers::Question told{question.after, {}, question.wait, "AA:AA"};
    told.seen = app::FeedAnswers::Question::Seen{question.seen.revision, question.seen.mark};
    return ask([told](Node& node) { return node.tell_changes(told); });
  }
  void take_keys(const verify::FeedKeys&) override {}

  // The node answers in a fiber of its own, however long the gate waits.
  Result<verify::FeedMessage> ask(const Ask& ask) {
    struct Call {
      std::optional<Result<std::string>> answer;
      Signal done;
    };
    const Micros until = fibers_.now() + kPollTimeout;
    const auto call = std::make_shared<Call>();
    fibers_.sleep(fibers_.one_in(20) ? fibers_.random(ms(1), ms(300)) : fibers_.random(200, ms(3)));
    Node* const node = nodes_[static_cast<size_t>(node_)].get();
    if (node == nullptr) return Error(ErrorCode::store_unavailable);  // it is down
    fibers_.spawn(node->owner(), [ask, call, node] {
      call->answer = ask(*node);
      call->done.notify();
    });
    if (!call->answer) (void)fibers_.wait(call->done, until - fibers_.now());
    fibers_.sleep(fibers_.one_in(20) ? fibers_.random(ms(1), ms(300)) : fibers_.random(200, ms(3)));
    if (!call->answer || fibers_.now() > until || cut_until_ > fibers_.now()) {
      return Error(ErrorCode::store_unavailable);
    }
    if (!*call->answer) return call->answer->error();
    return verify::decode_feed_message(**call->answer);
  }

  Fibers& fibers_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  const int owner_;
  const std::string name_;
  verify::Verifier verifier_;
  int node_ = 0;
  Micros cut_until_ = 0;
};

class Run {
 public:
  Run(uint64_t seed, Secrets& secrets, const RunOptions& options)
      : secrets_(secrets),
        options_(options),
        fibers_(seed),
        history_(ms(kBound.count() + 1)),
        cluster_(fibers_, history_, options.cluster) {}

  RunReport run() {
    cluster_.on_visible = [this](int server) { tell_nodes(server); };
    for (int i = 0; i < kNodes; ++i) {
      node_clocks_.push_back(std::make_unique<MachineClock>(fibers_));
      nodes_.emplace_back();
      start_node(i);
    }
    for (int i = 0; i < kGates; ++i) {
      gate_clocks_.push_back(std::make_unique<MachineClock>(fibers_));
      gates_.emplace_back();
      start_gate(i);
    }
    for (int i = 0; i < 2; ++i) fibers_.spawn(0, [this] { write(); });
    for (int i = 0; i < 3; ++i) fibers_.spawn(0, [this] { check(); });
    fibers_.spawn(0, [this] { make_faults(); });
    fibers_.run(options_.length);
    fibers_.kill_all();
    return report();
  }

 private:
  void start_node(int i) {
    auto& clock = *node_clocks_[static_cast<size_t>(i)];
    auto& node = nodes_[static_cast<size_t>(i)];
    node = std::make_unique<Node>(Node::World{fibers_, cluster_, secrets_, clock}, owner_of_node(i),
                                  "node " + std::to_string(i));
    fibers_.spawn(owner_of_node(i), [one = node.get()] { one->run(); });
  }
  void start_gate(int i) {
    auto& gate = gates_[static_cast<size_t>(i)];
    gate = std::make_unique<Gate>(fibers_, nodes_, secrets_, *gate_clocks_[static_cast<size_t>(i)],
                                  owner_of_gate(i), "gate " + std::to_string(i));
    fibers_.spawn(owner_of_gate(i), [one = gate.get()] { one->run(); });
  }
  // NOTIFY: late, or lost.
  void tell_nodes(int server) {
    for (int i = 0; i < kNodes; ++i) {
      if (!nodes_[static_cast<size_t>(i)] || fibers_.one_in(5)) continue;
      fibers_.spawn(owner_of_node(i), [this, i, server] {
        fibers_.sleep(fibers_.one_in(10) ? fibers_.random(0, ms(400)) : fibers_.random(200, ms(2)));
        nodes_[static_cast<size_t>(i)]->notified(server);
      });
    }
  }

  void write();
  Op choose_op();
  void check();
  void check_once();
  void make_faults();
  void make_fault();
  void restart_node(int i);
  RunReport report();

  // What writers know of a token.
  struct Token {
    int person = 0;
    int text = 0;
    bool live = true;
  };

  Secrets& secrets_;
  const RunOptions options_;
  Fibers fibers_;
  History history_;
  Cluster cluster_;
  std::vector<std::unique_ptr<MachineClock>> node_clocks_, gate_clocks_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Gate>> gates_;
  std::vector<Token> tokens_;
  struct Text {
    int person = 0;
  };
  std::vector<Text> texts_;
  uint64_t latest_revision_ = 0;  // acknowledged
  uint64_t fingerprint_ = 14695981039346656037ull;
};

Op Run::choose_op() {
  const int64_t dice = fibers_.random(1, 100);
  Op op;
  op.person = static_cast<int>(fibers_.random(0, kPeople - 1));
  op.kind = dice <= 15 ? ChangeKind::disable : ChangeKind::enable;
  if (dice > 15 && dice <= 35) return op;
  std::vector<int> live;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].live) live.push_back(static_cast<int>(i));
  }
  if (dice <= 15) return op;
  if (live.size() < 4 || dice > 75) {
    op.kind = ChangeKind::create;
    op.token = static_cast<int>(tokens_.size());
    op.text = static_cast<int>(texts_.size());
    texts_.push_back({op.person});
    tokens_.push_back({op.person, op.text, true});
    return op;
  }
  op.token = live[static_cast<size_t>(fibers_.random(0, static_cast<int64_t>(live.size()) - 1))];
  Token& token = tokens_[static_cast<size_t>(op.token)];
  op.person = token.person;
  op.old_text = token.text;
  if (dice > 60) {
    op.kind = ChangeKind::regenerate;
    op.text = static_cast<int>(texts_.size());
    texts_.push_back({op.person});
    token.text = op.text;
  } else {
    op.kind = ChangeKind::revoke;
    token.live = false;
  }
  return op;
}

void Run::write() {
  while (true) {
    fibers_.sleep(ms(10), ms(500));
    const auto i = static_cast<size_t>(fibers_.random(0, kNodes - 1));
    if (!nodes_[i]) continue;
    Op op = choose_op();
    op.change = history_.begin(
        {.kind = op.kind,
         .person = op.person,
         .text = op.kind == ChangeKind::create || op.kind == ChangeKind::regenerate ? op.text : -1,
         .old_text =
             op.kind == ChangeKind::revoke || op.kind == ChangeKind::regenerate ? op.old_text : -1,
         .began = fibers_.now()});
    struct Call {
      std::optional<Node::Written> written;
      Signal done;
    };
    const auto call = std::make_shared<Call>();
    fibers_.spawn(owner_of_node(static_cast<int>(i)), [this, i, op, call] {
      call->written = nodes_[i]->write(op);
      call->done.notify();
    });
    (void)fibers_.wait(call->done, ms(6'000));
    if (!call->written) continue;
    fibers_.sleep(200, ms(3));
    Change& change = history_.change(op.change);
    change.outcome = call->written->outcome;
    if (change.outcome != Outcome::acknowledged) continue;
    change.ended = fibers_.now();
    change.revision = call->written->revision;
    latest_revision_ = std::max(latest_revision_, change.revision);
  }
}

void Run::check() {
  while (true) {
    fibers_.sleep(ms(1), ms(60));
    if (!texts_.empty()) check_once();
  }
}

void Run::check_once() {
  // Mostly the latest, at a moment at which it may just have changed.
  const auto newest = static_cast<int64_t>(texts_.size()) - 1;
  const int64_t oldest = fibers_.one_in(3) ? 0 : std::max<int64_t>(0, newest - 8);
  Check check;
  check.text = static_cast<int>(fibers_.random(oldest, newest));
  check.person = texts_[static_cast<size_t>(check.text)].person;
  check.began = fibers_.now();
  const bool at_gate = fibers_.one_in(3);
  const auto i = static_cast<size_t>(fibers_.random(0, (at_gate ? kGates : kNodes) - 1));
  if (!at_gate && !nodes_[i]) return;
  const int owner =
      at_gate ? owner_of_gate(static_cast<int>(i)) : owner_of_node(static_cast<int>(i));
  const verify::Verifier& verifier = at_gate ? gates_[i]->verifier() : nodes_[i]->verifier();
  const MachineClock& clock = at_gate ? *gate_clocks_[i] : *node_clocks_[i];
  check.at = at_gate ? gates_[i]->name() : nodes_[i]->name();
  const uint64_t least = fibers_.one_in(4) ? latest_revision_ : 0;
  struct Call {
    std::optional<Answer> answer;
    bool has_least = false;
    uint64_t revision = 0;
    Signal done;
  };
  const auto call = std::make_shared<Call>();
  fibers_.spawn(owner, [this, call, least, &verifier, &clock, text = check.text] {
    fibers_.sleep(100, ms(2));
    call->has_least =
        least > 0 && verifier.status().loaded && verifier.status().revision.number >= least;
    const verify::Moment moment{clock.now(), clock.ticks()};
    // The process may be stopped here, or the follower may run.
    if (fibers_.one_in(4)) fibers_.sleep(fibers_.one_in(3) ? fibers_.random(0, ms(2'500)) : 0);
    call->answer = answer_of(verifier.check(secrets_.text(text), std::nullopt,
                                            verify::ScopeRequirement::any_token(), moment));
    call->revision = verifier.status().revision.number;
    call->done.notify();
  });
  (void)fibers_.wait(call->done, ms(20'000));
  if (!call->answer) return;
  check.ended = fibers_.now();
  check.answer = *call->answer;
  check.min_revision = call->has_least ? least : 0;
  check.revision = call->revision;
  history_.add(check);
  for (const uint64_t part : {static_cast<uint64_t>(check.ended), uint64_t{call->revision},
                              static_cast<uint64_t>(check.answer), static_cast<uint64_t>(i)}) {
    fingerprint_ = (fingerprint_ ^ part) * 1099511628211ull;
  }
}

void Run::restart_node(int i) {
  fibers_.kill(owner_of_node(i));
  fibers_.sleep(1);  // until its fibers are gone
  nodes_[static_cast<size_t>(i)].reset();
  fibers_.sleep(ms(10), ms(3'000));
  start_node(i);
}

void Run::make_fault() {
  const auto node = static_cast<int>(fibers_.random(0, kNodes - 1));
  const auto gate = static_cast<int>(fibers_.random(0, kGates - 1));
  const int leader = cluster_.leader();
  const auto server =
      fibers_.one_in(2) ? leader : static_cast<int>(fibers_.random(0, kServers - 1));
  const Micros time = fibers_.random(ms(10), fibers_.one_in(3) ? ms(6'000) : ms(1'500));
  Node* const one = nodes_[static_cast<size_t>(node)].get();
  switch (fibers_.random(1, 13)) {
    case 1: return cluster_.crash(server, time);
    case 2: return cluster_.crash(leader, fibers_.random(ms(10), ms(300)));
    case 3: return cluster_.stop(server, time);
    case 4:
      // From all but some of its clients: it may go on as a primary that is none.
      cluster_.cut_from_manager(leader, time);
      return cluster_.cut_between(leader, (leader + 1) % kServers, time);
    case 5: return cluster_.cut_between(server, (server + 1) % kServers, time);
    case 6:
      if (one != nullptr) one->connections().cut_from(server, time);
      return;
    case 7:
      for (int id = 0; id < kServers && one != nullptr; ++id) one->connections().cut_from(id, time);
      return;
    case 8: return fibers_.pause(owner_of_node(node), time);
    case 9: return fibers_.pause(owner_of_gate(gate), time);
    case 10:
      if (one != nullptr) restart_node(node);
      return;
    case 11:
      node_clocks_[static_cast<size_t>(node)]->put_wall(
          fibers_.random(-ms(3'600'000), ms(3'600'000)));
      return gate_clocks_[static_cast<size_t>(gate)]->put_wall(
          fibers_.random(-ms(90'000), ms(90'000)));
    case 12:
      if (one != nullptr) {
        const auto use = static_cast<Connections::Use>(fibers_.random(0, Connections::kUses - 1));
        one->connections().slow_down(use, fibers_.random(ms(10), ms(1'500)), time);
        one->make_slow(fibers_.one_in(2) ? 0 : fibers_.random(0, ms(400)));
      }
      return;
    default: return gates_[static_cast<size_t>(gate)]->cut(time);
  }
}

void Run::make_faults() {
  fibers_.sleep(ms(500));
  while (true) {
    // Quiet times, so that there is something to break.
    fibers_.sleep(fibers_.one_in(4) ? fibers_.random(ms(1'000), ms(4'000))
                                    : fibers_.random(ms(20), ms(900)));
    make_fault();
  }
}

RunReport Run::report() {
  RunReport report;
  std::vector<bool> in_log(history_.changes().size(), false);
  for (const auto& entry : cluster_.server(cluster_.leader()).wal) in_log[entry->op.change] = true;
  for (size_t i = 0; i < in_log.size(); ++i) {
    history_.change(i).in_log = in_log[i];
    const Change& change = history_.changes()[i];
    if (change.outcome == Outcome::acknowledged) ++report.changes;
    if (change.outcome != Outcome::acknowledged && change.lost_at != kNever) ++report.lost;
  }
  report.violations = history_.find_violations();
  report.checks = history_.checks();
  report.answered = history_.answered();
  report.failovers = cluster_.failovers();
  report.switches = fibers_.switches();
  report.fingerprint = fingerprint_;
  return report;
}

}  // namespace

RunReport run_world(uint64_t seed, Secrets& secrets, const RunOptions& options) {
  return Run(seed, secrets, options).run();
}

}  // namespace latchkey::simulation
