// A node of the simulated world: the real verifier, log follower, feed log and answers for gates,
// over connections to the simulated cluster.
//
// Thread safety: one thread, within fibers.
#pragma once

#include <array>
#include <memory>

#include "app/feed_answers.h"
#include "app/log_follower.h"
#include "core/digest_keys.h"
#include "core/token_text.h"
#include "simulation/cluster.h"
#include "verify/verifier.h"

namespace latchkey::simulation {

// A machine's clocks: each begins elsewhere, and the wall's may be put.
class MachineClock final : public Clock {
 public:
  explicit MachineClock(Fibers& fibers)
      : fibers_(fibers), ticks_us_(fibers.random(0, 1'000'000'000'000)) {}
  Instant now() const override { return {1'780'000'000'000 + (fibers_.now() + wall_us_) / 1000}; }
  Ticks ticks() const override { return {(fibers_.now() + ticks_us_) / 1000}; }
  void put_wall(Micros by) { wall_us_ += by; }

 private:
  Fibers& fibers_;
  const Micros ticks_us_;
  Micros wall_us_ = 0;
};

// What all share: keys, texts, ids.
struct Secrets {
  Secrets();
  const std::string& text(int number);
  const Digest& digest(int number);
  core::ProviderSignature provider = core::ProviderSignature::standard();
  core::DigestKeys keys;

 private:
  SeededEntropy entropy_{5};
  void make(int number);
  std::vector<std::string> texts_;
  std::vector<Digest> digests_;
};

constexpr Milliseconds kBound{1000};
verify::VerifierOptions simulated_options();

// A process's connections to the cluster: each to the server that said it was a primary when it was
// made, and used until it breaks.
class Connections {
 public:
  Connections(Fibers& fibers, Cluster& cluster) : fibers_(fibers), cluster_(cluster) {}

  enum Use { writer, heartbeat, reader_a, reader_b, kUses };
  // The server that `use` reaches now, after the way there. Errors: store_unavailable.
  Result<int> reach(Use use);
  // After the way back. Errors: store_unavailable.
  Result<void> come_back(Use use, int server);
  Use any_reader() { return fibers_.one_in(2) ? reader_a : reader_b; }
  void cut_from(int server, Micros time) {
    cut_until_[static_cast<size_t>(server)] = fibers_.now() + time;
  }
  // Makes the ways of one use slow.
  void slow_down(Use use, Micros delay, Micros time) { slow_[use] = {delay, fibers_.now() + time}; }

 private:
  struct Connection {
    int server = -1;
    uint64_t life = 0;
  };
  bool is_cut(int server) const { return cut_until_[static_cast<size_t>(server)] > fibers_.now(); }
  Result<void> travel(Use use, int server);

  Fibers& fibers_;
  Cluster& cluster_;
  std::array<Connection, kUses> connections_;
  std::array<Micros, kServers> cut_until_{};
  std::array<std::pair<Micros, Micros>, kUses> slow_{};
};

class Node final : private app::LogSource {
 public:
  struct World {
    Fibers& fibers;
    Cluster& cluster;
    Secrets& secrets;
    MachineClock& clock;
  };
  Node(const World& world, int owner, std::string name);

  // Fibers: follows until it is killed.
  void run();
  // A change made here. The outcome is as far as this node knows.
  struct Written {
    Outcome outcome = Outcome::unknown;
    uint64_t revision = 0;
  };
  Written write(const Op& op);
  // What a gate is told, from within a fiber of this node.
  Result<std::string> tell_changes(const app::FeedAnswers::Question& question);
  Result<std::string> tell_page(const std::string& cursor);

  const verify::Verifier& verifier() const { return verifier_; }
  Connections& connections() { return connections_; }
  const std::string& name() const { return name_; }
  int owner() const { return owner_; }
  void notified(int server);  // of a change at a server, if it is connected to it
  void make_slow(Micros delay) { slow_us_ = delay; }

 private:
  class SimulatedFeed;

  Result<store::LogHead> confirm_head() override;
  Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                          Milliseconds wait) override;
  Result<void> give_all(core::Revision known, const CheckView& check,
                        const verify::Feed::Sink& sink) override;
  Result<void> give_changes(const std::vector<core::Event>& events, const CheckView& check,
                            const verify::Feed::Sink& sink) override;
  Result<void> check_view(int server, core::Revision known, const CheckView& check) const;
  verify::Feed::Sink fragile(const verify::Feed::Sink& sink, bool& is_broken);
  void know(const store::LogHead& head);

  World world_;
  const int owner_;
  const std::string name_;
  Connections connections_;
  app::LogFollower follower_;
  std::unique_ptr<verify::Feed> feed_;
  app::FeedLog log_;
  app::RecordingFeed recording_;
  app::FeedAnswers answers_;
  verify::Verifier verifier_;
  uint64_t known_revision_ = 0;  // by own changes, notifications and polls
  Signal known_changed_;
  Signal log_changed_;
  Micros slow_us_ = 0;
};

// The items of rows.
void give_person(const Rows& rows, int person, const verify::Feed::Sink& sink);
void give_token(const Rows& rows, Secrets& secrets, int token, const verify::Feed::Sink& sink);

core::OrganizationId simulated_organization();

}  // namespace latchkey::simulation
