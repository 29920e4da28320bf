// What the time of a comparison tells: the test of docs/security.md, check 3, and check 6 within
// the process.
//
// As dudect does it (Reparaz, Balasch, Verbauwhede, 2017): inputs of two classes in random order,
// prepared beforehand, each measured alone; then Welch's t over the samples below the 90th
// percentile, because interruptions are no secret. |t| >= 4.5 is a leak. Other programs on the
// machine make outliers, so a comparison counts as leaking when three runs all say so. The control
// is a loop that ends at the first difference: it must be found.
// usage: timing [SAMPLES]
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "population.h"
#include "verify/verifier.h"

namespace latchkey::bench {
namespace {

constexpr double kLeak = 4.5;
constexpr size_t kBatch = 20'000;
constexpr int kRuns = 3;

using Sample = std::pair<int, double>;  // class, cycles

uint64_t cycles() {
  unsigned ignored = 0;
  _mm_lfence();
  const uint64_t now = __rdtscp(&ignored);
  _mm_lfence();
  return now;
}

struct Moments {
  double count = 0, mean = 0, squares = 0;
  void add(double value) {
    count += 1;
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  double variance() const { return squares / (count - 1); }
};

struct Verdict {
  double t = 0;
  double means[2] = {0, 0};
};

Verdict welch(const std::vector<Sample>& samples) {
  std::vector<double> sorted;
  for (const auto& [kind, value] : samples) sorted.push_back(value);
  const auto cut = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 9 / 10);
  std::nth_element(sorted.begin(), cut, sorted.end());
  Moments moments[2];
  for (const auto& [kind, value] : samples) {
    if (value <= *cut) moments[kind].add(value);
  }
  const double error = std::sqrt(moments[0].variance() / moments[0].count +
                                 moments[1].variance() / moments[1].count);
  return {error > 0 ? (moments[0].mean - moments[1].mean) / error : 0,
          {moments[0].mean, moments[1].mean}};
}

// Measures operation(inputs[i]) for random classes. `make(kind)` prepares an input.
template <class Make, class Operation>
Verdict measure(size_t samples, std::mt19937_64& random, const Make& make,
                const Operation& operation) {
  std::vector<Sample> all;
  all.reserve(samples);
  while (all.size() < samples) {
    std::vector<decltype(make(0))> inputs;
    std::vector<int> kinds;
    for (size_t i = 0; i < kBatch; ++i) {
      kinds.push_back(static_cast<int>(random() & 1));
      inputs.push_back(make(kinds.back()));
    }
    volatile bool sink = false;
    for (size_t i = 0; i < kBatch; ++i) {
      const uint64_t begin = cycles();
      sink = operation(inputs[i]);
      const uint64_t end = cycles();
      if (i >= 100) all.emplace_back(kinds[i], static_cast<double>(end - begin));
    }
    (void)sink;
  }
  return welch(all);
}

// Whether `name` is found to leak as it should (a control) or should not.
template <class Make, class Operation>
bool judge(const char* name, bool is_control, size_t samples, const Make& make,
           const Operation& operation) {
  std::mt19937_64 random(std::random_device{}());
  double least = INFINITY;
  for (int run = 0; run < kRuns && (is_control ? run == 0 : least >= kLeak); ++run) {
    const Verdict verdict = measure(samples, random, make, operation);
    least = std::min(least, std::abs(verdict.t));
    std::printf("%-44s |t| %8.2f  (equal %.1f, random %.1f cycles, %zu samples)\n", name,
                std::abs(verdict.t), verdict.means[0], verdict.means[1], samples);
  }
  const bool leaks = least >= kLeak;
  if (leaks != is_control) {
    std::printf("  FAILED: it %s\n", leaks ? "leaks" : "should leak, and was not found");
  }
  return leaks == is_control;
}

using Bytes = std::array<uint8_t, 32>;

Bytes random_bytes(std::mt19937_64& random) {
  Bytes bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

// What a comparison must not be.
bool equal_until_the_first_difference(const Bytes& a, const Bytes& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const volatile uint8_t left = a[i];
    if (left != b[i]) return false;
  }
  return true;
}

bool comparisons(size_t samples) {
  std::mt19937_64 random(1);
  const Bytes secret = random_bytes(random);
  const auto make = [&](int kind) { return kind == 0 ? secret : random_bytes(random); };
  bool good =
      judge("control: ends at the first difference", true, samples, make,
            [&](const Bytes& given) { return equal_until_the_first_difference(secret, given); });
  good &= judge("constant_time_equal", false, samples, make,
                [&](const Bytes& given) { return constant_time_equal(secret, given); });

  const auto text_of = [](const Bytes& bytes) { return format_hex(bytes) + format_hex(bytes); };
  const SecretText text(text_of(secret));
  good &= judge(
      "SecretText ==", false, samples, [&](int kind) { return SecretText(text_of(make(kind))); },
      [&](const SecretText& given) { return text == given; });

  core::Token token;
  token.display_name = "a name";
  token.scope = "vso.code vso.project";
  const Hmac row_key(SecretKey({1, 2, 3}));
  const Digest right = core::token_row_mac(row_key, token);
  const auto make_mac = [&](int kind) { return kind == 0 ? right : random_bytes(random); };
  good &= judge("MAC of a token's row", false, samples, make_mac, [&](const Bytes& stored) {
    return constant_time_equal(core::token_row_mac(row_key, token), stored);
  });
  const std::vector<uint8_t> message(200, 7);
  const Digest mac = row_key(message);
  good &= judge(
      "Hmac::verify", false, samples,
      [&](int kind) { return kind == 0 ? mac : random_bytes(random); },
      [&](const Bytes& given) { return row_key.verify(message, given); });
  return good;
}

// Tokens of a small index, in each state that is refused, and as many that nobody issued.
class Refused final : public verify::Feed {
 public:
  static constexpr size_t kEach = 2'000;

  Refused() : keys_({{core::DigestKeyId{}, Hmac(SecretKey({1, 2, 3}))}}, core::DigestKeyId{}) {
    SeededEntropy entropy(3);
    for (auto& texts : texts_) {
      for (size_t i = 0; i < kEach; ++i) {
        auto text = core::generate_token(provider_, keys_.current_id(), now_, entropy);
        texts.emplace_back(text->reveal(RevealSecret{}));
      }
    }
  }
  enum State { unknown, revoked, expired, elsewhere, kStates };
  const std::vector<std::string>& texts(State state) const { return texts_[state]; }

  Result<verify::Reached> load(const Sink& sink) override {
    const auto here = core::OrganizationId{{{1}}};
    const auto person = core::PersonId{{{2}}};
    for (const auto& organization : {here, other_}) {
      sink(verify::MembershipItem{organization, person, true, core::ScopeSet::all()});
    }
    for (const State state : {revoked, expired, elsewhere}) {
      for (size_t i = 0; i < kEach; ++i) {
        verify::TokenItem item;
        item.id.uuid.bytes = {static_cast<uint8_t>(state), static_cast<uint8_t>(i >> 8),
                              static_cast<uint8_t>(i)};
        item.organization = state == elsewhere ? other_ : here;
        item.owner = person;
        item.digest = *keys_.digest_of(keys_.current_id(), texts_[state][i]);
        item.valid_to = state == expired ? now_ - Milliseconds(1) : now_ + std::chrono::days(9);
        item.state = state == revoked ? core::TokenState::revoked : core::TokenState::live;
        sink(item);
      }
    }
    return verify::Reached{{{}, {1}}};
  }
  Result<verify::Reached> follow(const core::Position& after, Milliseconds, const Sink&) override {
    return verify::Reached{after};
  }
  const core::DigestKeys& keys() const { return keys_; }
  const core::ProviderSignature& provider() const { return provider_; }
  Instant now() const { return now_; }

 private:
  const Instant now_{1'780'000'000'000};
  const core::OrganizationId other_{{{9}}};
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  core::DigestKeys keys_;
  std::vector<std::string> texts_[kStates];
};

// For people to read: who presents the exact secret is told the reason anyway, so there is nothing
// to hide. What counts is how small it is beside a request.
void refusals(size_t samples) {
  Refused feed;
  FakeClock clock(feed.now());
  verify::Verifier verifier(feed.keys(), feed.provider(), clock, {});
  if (!verifier.load(feed)) std::abort();
  const auto required = verify::ScopeRequirement::any_token();
  const verify::Moment moment{clock.now(), clock.ticks()};
  const core::OrganizationId here{{{1}}};
  std::mt19937_64 random(4);
  static constexpr const char* kNames[] = {"unknown", "revoked", "expired", "elsewhere"};
  for (const auto state : {Refused::revoked, Refused::expired, Refused::elsewhere}) {
    const Verdict verdict = measure(
        samples, random,
        [&](int kind) -> const std::string* {
          const auto& texts = feed.texts(kind == 0 ? Refused::unknown : state);
          return &texts[random() % texts.size()];
        },
        [&](const std::string* text) {
          return verifier.check(*text, here, required, moment).has_value();
        });
    std::printf("Verifier::check, unknown %.0f cycles, %s %.0f cycles, |t| %.1f\n",
                verdict.means[0], kNames[state], verdict.means[1], std::abs(verdict.t));
  }
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const size_t samples = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const bool good = latchkey::bench::comparisons(samples);
  latchkey::bench::refusals(samples);
  return good ? 0 : 1;
}
