#include "simulation/node.h"

#include <algorithm>

#include "base/assert.h"
#include "verify/feed_for_test.h"

namespace latchkey::simulation {

using verify::id_for_test;

namespace {

constexpr Micros kCallMax = ms(2'000);
constexpr size_t kPages = 3;

Error unavailable() { return Error(ErrorCode::store_unavailable); }

core::PersonId id_of_person(int person) {
  return id_for_test<core::PersonId>(1'000 + static_cast<uint64_t>(person));
}

}  // namespace

core::OrganizationId simulated_organization() { return id_for_test<core::OrganizationId>(1); }

verify::VerifierOptions simulated_options() {
  verify::VerifierOptions options;
  options.staleness_max = kBound;
  options.poll_wait = Milliseconds(250);
  return options;
}

Secrets::Secrets()
    : keys({{core::DigestKeyId{{'A', 'A'}}, Hmac(SecretKey({1, 2, 3}))}},
           core::DigestKeyId{{'A', 'A'}}) {}

void Secrets::make(int number) {
  while (texts_.size() <= static_cast<size_t>(number)) {
    auto text =
        core::generate_token(provider, keys.current_id(), Instant{1'780'000'000'000}, entropy_);
    LK_ASSERT(text);
    texts_.emplace_back(text->reveal(RevealSecret{}));
    digests_.push_back(*keys.digest_of(keys.current_id(), texts_.back()));
  }
}

const std::string& Secrets::text(int number) {
  make(number);
  return texts_[static_cast<size_t>(number)];
}

const Digest& Secrets::digest(int number) {
  make(number);
  return digests_[static_cast<size_t>(number)];
}

Result<void> Connections::travel(Use use, int server) {
  const auto& [delay, until] = slow_[use];
  fibers_.sleep(fibers_.one_in(20) ? fibers_.random(ms(1), ms(150)) : fibers_.random(200, ms(2)));
  if (until > fibers_.now()) fibers_.sleep(fibers_.random(0, delay));
  const Micros end = fibers_.now() + kCallMax;
  // What cannot get through now may do so later, or is given up.
  while (is_cut(server) || fibers_.is_paused(owner_of_server(server))) {
    if (fibers_.now() >= end) {
      connections_[use].server = -1;
      return unavailable();
    }
    fibers_.sleep(ms(10), ms(50));
  }
  return {};
}

Result<int> Connections::reach(Use use) {
  Connection& connection = connections_[use];
  for (int tries = 0; tries < 2; ++tries) {
    if (connection.server < 0) {
      const int first = static_cast<int>(fibers_.random(0, kServers - 1));
      for (int i = 0; i < kServers && connection.server < 0; ++i) {
        const int id = (first + i) % kServers;
        const Cluster::Server& server = cluster_.server(id);
        if (is_cut(id) || !cluster_.can_run(id) || !server.is_primary) continue;
        connection = {id, server.life};
      }
      if (connection.server < 0) {
        fibers_.sleep(ms(1), ms(100));
        return unavailable();
      }
    }
    const int id = connection.server;
    LK_CHECK(travel(use, id));
    const Cluster::Server& server = cluster_.server(id);
    if (server.up && server.life == connection.life) return id;
    connection.server = -1;
  }
  return unavailable();
}

Result<void> Connections::come_back(Use use, int server) {
  const uint64_t life = connections_[use].life;
  LK_CHECK(travel(use, server));
  // What was sent before the connection broke may or may not arrive.
  const bool is_broken = cluster_.server(server).life != life;
  if (is_broken) connections_[use].server = -1;
  return is_broken && fibers_.one_in(2) ? Result<void>(unavailable()) : Result<void>();
}

class Node::SimulatedFeed final : public verify::Feed {
 public:
  explicit SimulatedFeed(app::LogFollower& follower) : follower_(follower) {}
  Result<verify::Reached> load(const Sink& sink) override { return follower_.load(sink); }
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const Sink& sink) override {
    return follower_.follow(after, wait, sink);
  }

 private:
  app::LogFollower& follower_;
};

Node::Node(const World& world, int owner, std::string name)
    : world_(world),
      owner_(owner),
      name_(std::move(name)),
      connections_(world.fibers, world.cluster),
      follower_(*this, world.clock),
      feed_(std::make_unique<SimulatedFeed>(follower_)),
      log_(200),
      recording_(*feed_, log_, world.clock),
      answers_(log_, static_cast<uint64_t>(world.fibers.random(0, INT64_MAX - 1))),
      verifier_(world.secrets.keys, world.secrets.provider, world.clock, simulated_options()) {
  log_.on_change([this] { log_changed_.notify(); });
}

void Node::run() {
  while (!verifier_.load(recording_)) world_.fibers.sleep(ms(10), ms(200));
  Micros back_off = ms(10);
  Milliseconds wait{0};
  while (true) {
    if (verifier_.follow_once(recording_, wait)) {
      back_off = ms(10);
      wait = simulated_options().poll_wait;
      continue;
    }
    world_.fibers.sleep(back_off);
    back_off = std::min(back_off * 2, ms(500));
    wait = Milliseconds(0);
  }
}

void Node::know(const store::LogHead& head) {
  if (head.revision.number <= known_revision_) return;
  known_revision_ = head.revision.number;
  known_changed_.notify();
}

void Node::notified(int server) {
  const Cluster::Server& other = world_.cluster.server(server);
  know(world_.cluster.head_of(other, other.visible));
}

Result<store::LogHead> Node::confirm_head() {
  LK_TRY(const int id, connections_.reach(Connections::heartbeat));
  const auto beat = world_.cluster.commit(id, std::nullopt);
  if (!beat->done) return unavailable();
  // On the same connection.
  LK_CHECK(connections_.come_back(Connections::heartbeat, id));
  LK_TRY(const int again, connections_.reach(Connections::heartbeat));
  if (again != id) return unavailable();
  const Cluster::Server& server = world_.cluster.server(id);
  const store::LogHead head = world_.cluster.head_of(server, server.visible);
  LK_CHECK(connections_.come_back(Connections::heartbeat, id));
  know(head);
  return head;
}

Result<std::vector<core::Event>> Node::events(core::Revision after, int limit, Milliseconds wait) {
  const Micros until = world_.fibers.now() + ms(wait.count());
  while (known_revision_ <= after.number) {
    const Micros left = until - world_.fibers.now();
    if (left <= 0) return std::vector<core::Event>();
    (void)world_.fibers.wait(known_changed_, left);
  }
  const auto use = connections_.any_reader();
  LK_TRY(const int id, connections_.reach(use));
  const Cluster::Server& server = world_.cluster.server(id);
  std::vector<core::Event> events;
  // Small pages, so that a view is often ahead of them.
  const size_t end = std::min({server.visible, after.number + static_cast<size_t>(limit),
                               after.number + static_cast<size_t>(world_.fibers.random(1, 4))});
  for (size_t i = after.number; i < end; ++i) events.push_back(server.wal[i]->event);
  LK_CHECK(connections_.come_back(use, id));
  // A poll of one that is behind waits no longer than this.
  if (events.empty()) known_revision_ = std::min<uint64_t>(known_revision_, after.number);
  if (slow_us_ > 0) world_.fibers.sleep(world_.fibers.random(0, slow_us_));
  return events;
}

Result<void> Node::check_view(int id, core::Revision known, const CheckView& check) const {
  const Cluster::Server& server = world_.cluster.server(id);
  const bool has_it = known.number >= 1 && known.number <= server.visible;
  return check(world_.cluster.head_of(server, server.visible),
               has_it ? &server.wal[known.number - 1]->event : nullptr);
}

// A connection may break in the middle of an answer.
verify::Feed::Sink Node::fragile(const verify::Feed::Sink& sink, bool& is_broken) {
  return [this, &sink, &is_broken](const verify::FeedItem& item) {
    is_broken |= world_.fibers.one_in(200);
    if (!is_broken) sink(item);
  };
}

void give_person(const Rows& rows, int person, const verify::Feed::Sink& sink) {
  sink(verify::MembershipItem{simulated_organization(), id_of_person(person),
                              !rows.disabled.contains(person), core::ScopeSet::all()});
}

void give_token(const Rows& rows, Secrets& secrets, int token, const verify::Feed::Sink& sink) {
  const auto found = rows.tokens.find(token);
  if (found == rows.tokens.end()) return;
  const Rows::Token& row = found->second;
  verify::TokenItem item;
  item.id = id_for_test<core::TokenId>(static_cast<uint64_t>(token) + 1);
  item.organization = simulated_organization();
  item.owner = id_of_person(row.person);
  item.digest = secrets.digest(row.text);
  item.scopes = core::ScopeSet::all();
  item.valid_to = {4'000'000'000'000};
  item.state = row.live ? core::TokenState::live : core::TokenState::revoked;
  sink(item);
  for (const int text : row.retired) {
    sink(verify::RetiredDigestItem{item.id, item.organization, item.owner, secrets.digest(text)});
  }
}

Result<void> Node::give_all(core::Revision known, const CheckView& check,
                            const verify::Feed::Sink& sink) {
  const auto use = connections_.any_reader();
  LK_TRY(const int id, connections_.reach(use));
  LK_CHECK(check_view(id, known, check));
  const Rows rows = world_.cluster.server(id).rows;
  LK_CHECK(connections_.come_back(use, id));
  for (int person = 0; person < 3; ++person) give_person(rows, person, sink);
  for (const auto& [token, row] : rows.tokens) give_token(rows, world_.secrets, token, sink);
  return {};
}

Result<void> Node::give_changes(const std::vector<core::Event>& events, const CheckView& check,
                                const verify::Feed::Sink& sink) {
  const auto use = connections_.any_reader();
  LK_TRY(const int id, connections_.reach(use));
  LK_CHECK(check_view(id, events.back().revision, check));
  const Cluster::Server& server = world_.cluster.server(id);
  // An event names its subjects, wherever it is read.
  std::vector<Op> ops;
  for (const core::Event& event : events) {
    for (const auto& entry : server.wal) {
      if (entry->event.hash == event.hash) ops.push_back(entry->op);
    }
  }
  const Rows rows = server.rows;
  LK_CHECK(connections_.come_back(use, id));
  bool is_broken = false;
  const auto give = fragile(sink, is_broken);
  for (const Op& op : ops) {
    const bool is_of_person = op.kind == ChangeKind::disable || op.kind == ChangeKind::enable;
    if (is_of_person) {
      give_person(rows, op.person, give);
    } else {
      give_token(rows, world_.secrets, op.token, give);
    }
  }
  return is_broken ? Result<void>(unavailable()) : Result<void>();
}

Node::Written Node::write(const Op& op) {
  const auto reached = connections_.reach(Connections::writer);
  if (!reached) return {Outcome::refused, 0};  // it was not sent
  const auto commit = world_.cluster.commit(*reached, op);
  if (!connections_.come_back(Connections::writer, *reached)) return {};
  if (commit->refused) return {Outcome::refused, 0};
  if (!commit->done) return {};
  if (commit->revision > known_revision_) {
    known_revision_ = commit->revision;
    known_changed_.notify();
  }
  return {Outcome::acknowledged, commit->revision};
}

Result<std::string> Node::tell_changes(const app::FeedAnswers::Question& question) {
  const Ticks asked_at = world_.clock.ticks();
  const Micros until = world_.fibers.now() + ms(question.wait.count());
  if (auto found = answers_.look_for(question, asked_at);
      !found && found.error().code == ErrorCode::feed_truncated) {
    return std::move(found).error();
  }
  while (!answers_.has_news(question, asked_at) && world_.fibers.now() < until) {
    (void)world_.fibers.wait(log_changed_, until - world_.fibers.now());
  }
  LK_TRY(const auto message,
         answers_.changes(question, asked_at, [](core::OrganizationId) { return true; }));
  return verify::encode(message);
}

Result<std::string> Node::tell_page(const std::string& cursor) {
  LK_TRY(const auto page, answers_.begin_page(cursor, world_.clock.ticks()));
  const size_t number = page.place.empty() ? 0 : static_cast<size_t>(page.place[1] - '0');
  const auto use = connections_.any_reader();
  LK_TRY(const int id, connections_.reach(use));
  const Cluster::Server& server = world_.cluster.server(id);
  const Rows rows = server.rows;
  const store::LogHead head = world_.cluster.head_of(server, server.visible);
  LK_CHECK(connections_.come_back(use, id));
  verify::FeedMessage message;
  message.position = head.position();
  message.mark = verify::mark_of(head.hash);
  const auto add = [&](const verify::FeedItem& item) { message.items.push_back(item); };
  if (number == 0) {
    for (int person = 0; person < 3; ++person) give_person(rows, person, add);
  }
  for (const auto& [token, row] : rows.tokens) {
    if (static_cast<size_t>(token) % kPages == number) {
      give_token(rows, world_.secrets, token, add);
    }
  }
  if (number + 1 < kPages) message.next = "p" + std::to_string(number + 1);
  for (int tries = 0; tries < 5; ++tries) {
    if (answers_.finish_page(page, message, Milliseconds(0))) return verify::encode(message);
    world_.fibers.sleep(ms(100));
  }
  return unavailable();
}

}  // namespace latchkey::simulation
