// Whether checks pause while the index grows, or is loaded anew: percentiles of single checks.
//
// One thread checks tokens in random order, as fast as it can, and notes how long each check took;
// another follows a feed. Three times: the feed has nothing; it brings new tokens as fast as they
// are taken; it has lost its place, so that all is loaded anew beside the old index, again and
// again. What the machine itself adds (interrupts, other programs) is in all three. usage: growth
// [TOKENS] [SECONDS]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "population.h"
#include "result.h"
#include "verify/verifier.h"

namespace latchkey::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

enum class Mode { nothing, grows, loads };

// A population that goes on growing.
class GrowingFeed final : public verify::Feed {
 public:
  explicit GrowingFeed(Population& population) : population_(population) {}
  void set(Mode mode) { mode_ = mode; }
  uint64_t added() const { return added_; }
  uint64_t loads() const { return loads_; }

  Result<verify::Reached> load(const Sink& sink) override {
    ++loads_;
    return population_.load(sink);
  }
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const Sink& sink) override {
    switch (mode_.load()) {
      case Mode::nothing: std::this_thread::sleep_for(wait); return verify::Reached{after};
      case Mode::grows: break;
      case Mode::loads: return Error(ErrorCode::feed_truncated);
    }
    for (int i = 0; i < 1000; ++i) sink(next());
    return verify::Reached{{after.epoch, {after.revision.number + 1000}}};
  }

 private:
  verify::TokenItem next() {
    verify::TokenItem item;
    const uint64_t number = ++added_;
    for (size_t i = 0; i < item.digest.size(); i += 8) {
      const uint64_t word = random_();
      std::memcpy(item.digest.data() + i, &word, 8);
    }
    std::memcpy(item.id.uuid.bytes.data(), &number, sizeof number);
    item.scopes.add({static_cast<uint8_t>(number % 100)});
    item.valid_to = Instant{1'900'000'000'000};
    return item;
  }

  Population& population_;
  std::mt19937_64 random_{5};
  std::atomic<Mode> mode_{Mode::nothing};
  std::atomic<uint64_t> added_{0};
  std::atomic<uint64_t> loads_{0};
};

class Growth {
 public:
  explicit Growth(uint64_t tokens) : population_(size_of(tokens)) {
    std::vector<size_t> order(population_.samples().size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937_64(4));
    for (const size_t i : order) texts_ += population_.samples()[i].text;
    if (!verifier_.load(feed_)) std::exit(1);
    follower_ = std::jthread([this](std::stop_token stop) { (void)verifier_.follow(feed_, stop); });
  }

  void measure(const std::string& name, Mode mode, double seconds) {
    feed_.set(mode);
    const uint64_t added_before = feed_.added();
    const uint64_t loads_before = feed_.loads();
    std::vector<uint32_t> times;
    times.reserve(40'000'000);
    const size_t count = texts_.size() / core::kTokenLength;
    const auto required = verify::ScopeRequirement::any_token();
    const auto end = SteadyClock::now() + std::chrono::duration<double>(seconds);
    auto last = SteadyClock::now();
    uint64_t refused = 0;
    for (size_t i = 0; last < end; i = (i + 1) % count) {
      const std::string_view text(texts_.data() + i * core::kTokenLength, core::kTokenLength);
      refused += !verifier_.check(text, std::nullopt, required, {clock_.now(), clock_.ticks()});
      const auto now = SteadyClock::now();
      if (times.size() < times.capacity()) {
        times.push_back(static_cast<uint32_t>(std::min<int64_t>((now - last).count(), UINT32_MAX)));
      }
      last = now;
    }
    feed_.set(Mode::nothing);
    std::sort(times.begin(), times.end());
    const auto at = [&](double part) {
      const auto index = static_cast<size_t>(part * static_cast<double>(times.size() - 1));
      return static_cast<double>(times[index]) / 1000;
    };
    ResultLine(name, at(0.5), "us")
        .number("p50", at(0.5))
        .number("p99", at(0.99))
        .number("p99_9", at(0.999))
        .number("p99_99", at(0.9999))
        .number("max", at(1))
        .number("checks", static_cast<double>(times.size()))
        .number("refused", static_cast<double>(refused))
        .number("tokens_added", static_cast<double>(feed_.added() - added_before))
        .number("loads", static_cast<double>(feed_.loads() - loads_before))
        .print();
  }

 private:
  static PopulationSize size_of(uint64_t tokens) {
    PopulationSize size;
    size.tokens = tokens;
    size.people = std::max<uint64_t>(1, tokens / 100);
    size.organizations = std::max<uint64_t>(1, tokens / 10'000);
    size.sampled = std::min<uint64_t>(tokens, 1'000'000);
    return size;
  }

  Population population_;
  SystemClock clock_;
  GrowingFeed feed_{population_};
  // A load takes seconds here and confirms nothing meanwhile: what is measured is the check.
  verify::Verifier verifier_{population_.keys(),
                             population_.provider(),
                             clock_,
                             {Milliseconds(3'600'000), Milliseconds(50)}};
  std::string texts_;
  std::jthread follower_;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const uint64_t tokens = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 10;
  if (tokens == 0 || seconds <= 0) return 2;
  latchkey::bench::Growth growth(tokens);
  using latchkey::bench::Mode;
  growth.measure("a check while nothing changes", Mode::nothing, seconds);
  growth.measure("a check while tokens are added as fast as they are taken", Mode::grows, seconds);
  growth.measure("a check while the index is loaded anew", Mode::loads, seconds);
  return 0;
}
